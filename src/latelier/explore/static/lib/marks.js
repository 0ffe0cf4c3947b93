// Attributes of the chosen images, yes, no or unknown, by buttons and by keys.

import { button, fill, h } from "./dom.js";

const VALUES = { y: "yes", n: "no", u: null };

/** A row for each attribute; `mark(name, value)` is called for what is pressed. Y, N and U mark the one whose keys are on. */
export function marks(mark) {
  const element = h("div", { class: "choices" });
  let known = [];
  let on = "";

  function row({ name, yes, no }) {
    const keys = () => {
      on = on === name ? "" : name;
      show(known);
    };
    return h("div", { class: "row", role: "group", "aria-label": name },
      h("span", {}, name, h("small", { class: "soft" }, ` ${yes} yes, ${no} no`)),
      button("Yes", () => mark(name, "yes")), button("No", () => mark(name, "no")), button("Unknown", () => mark(name, null)),
      button("Keys", keys, { "aria-pressed": String(on === name), "aria-label": `Y, N and U mark ${name}` }));
  }

  function show(attributes) {
    known = attributes;
    fill(element, known.map(row));
  }

  /** Whether a key has marked. */
  function press(key) {
    if (!(key in VALUES) || !known.some(({ name }) => name === on)) return false;
    mark(on, VALUES[key]);
    return true;
  }

  return { element, show, press };
}
