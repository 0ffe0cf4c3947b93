// A slider with its name, its value and, where wanted, a lock.

import { h, said } from "./dom.js";

let count = 0;

/** `moved(value)` hears every movement. The element has `value`, `set(value)`, `home` (where it began) and `locked`. */
export function slider({ name, hint, low, high, step, value, home = value, digits = 2, lockable = false, locked = false }, moved, lockedNow = () => {}) {
  const id = `slider-${(count += 1)}`;
  const input = h("input", { type: "range", id, min: low, max: high, step: step ?? ((high - low) / 200).toPrecision(3) });
  input.value = value;
  const output = h("output", { for: id }, said(value, digits));
  const lock = lockable && h("button", { type: "button", class: "lock", "aria-pressed": String(locked), "aria-label": `Lock ${name}`, onclick: () => turn(!api.locked) }, locked ? "locked" : "lock");
  const element = h("div", { class: "slider" }, h("label", { for: id }, name, hint && h("small", {}, hint)), output, lock, input);

  function shown() {
    output.textContent = said(api.value, digits);
    element.classList.toggle("moved", Math.abs(api.value - home) > 1e-6);
  }

  function turn(on) {
    api.locked = on;
    lock.setAttribute("aria-pressed", String(on));
    lock.textContent = on ? "locked" : "lock";
    lockedNow(on);
  }

  const api = {
    element, input, home, low, high, locked, value,
    /** Without being heard. */
    set(next) {
      api.value = next;
      input.value = next;
      shown();
    },
  };
  input.addEventListener("input", () => {
    api.value = Number(input.value);
    shown();
    moved(api.value);
  });
  shown();
  return api;
}
