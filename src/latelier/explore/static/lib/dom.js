// Elements without a framework, and words for numbers.

/** An element: attributes by name, listeners by "onNAME", then what is inside. */
export function h(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat().filter((part) => part !== null && part !== undefined && part !== false));
  return element;
}

/** An element of an SVG drawing: attributes by name, then what is inside. */
export function svg(tag, attributes, ...inside) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** Puts these in place of all that is inside. */
export function fill(element, ...inside) {
  element.replaceChildren(...inside.flat().filter((part) => part !== null && part !== undefined && part !== false));
  return element;
}

/** A button; `pressed` makes it a switch. */
export function button(words, onclick, { pressed, ...more } = {}) {
  return h("button", { type: "button", onclick, "aria-pressed": pressed === undefined ? undefined : String(pressed), ...more }, words);
}

/** A row of switches of which one is on. */
export function segments(label, choices, chosen, choose) {
  const row = h("div", { class: "segments", role: "group", "aria-label": label });
  for (const [value, words] of choices) {
    row.append(button(words, () => {
      for (const other of row.children) other.setAttribute("aria-pressed", String(other.dataset.value === String(value)));
      choose(value);
    }, { pressed: value === chosen, "data-value": value }));
  }
  return row;
}

/** A number as people read it, with a true minus sign. */
export function said(value, digits = 2) {
  const words = value.toFixed(digits);
  return Number(words) === 0 ? words.replace("-", "") : words.replace("-", "\u2212");
}

/** "4 %" of 0.04. */
export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)} %`;
}
