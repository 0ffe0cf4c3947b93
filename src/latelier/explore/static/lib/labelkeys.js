// What keys do where images are labelled.

const digit = ({ name }) => /^\d$/.test(name);

/** The key of a class by its place in the list; classes that are digits are their own keys. */
export function keyOf(classes, name, i) {
  if (classes.every(digit)) return name;
  return i < 9 ? String(i + 1) : i === 9 ? "0" : "";
}

/**
 * Hears keys as long as the stage is open: `classes()` as they are, and what is done, `give(name)`, `marked(key)` whether
 * it was an attribute's, `move(by, extend)`, `undo()` and `choose()`; `columns()` are an arrow's step down.
 */
export function hear(stage, { classes, columns, give, marked, move, undo, choose }) {
  function press(event) {
    if (!stage.open) return removeEventListener("keydown", press);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return undefined;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const name = event.key && classes().find((one, i) => keyOf(classes(), one.name, i) === event.key)?.name;
    const low = (event.key ?? "").toLowerCase();
    if (name) give(name);
    else if (marked(low)) move(1, false);
    else if (event.key in steps) move(steps[event.key], event.shiftKey);
    else if (low === "z") undo();
    else if (low === "u") give(null);
    else if (event.key !== " " || !choose()) return undefined;
    return event.preventDefault();
  }
  addEventListener("keydown", press);
}
