// A field for words with its button.

import { h } from "./dom.js";

/** `use(text)` hears what was typed, without spaces around it; a field that is `emptied` is so afterwards. */
export function typed({ label, hint = label, does, value = "", most, emptied = false }, use) {
  const field = h("input", { type: "text", maxlength: most, "aria-label": label, placeholder: hint, value });
  return h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (emptied) field.value = "";
    use(text);
  } }, field, h("button", {}, does));
}
