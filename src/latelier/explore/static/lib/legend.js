// What colours mean: classes that can be hidden, or the ends of a range.

import { fill, h } from "./dom.js";
import { words } from "./colours.js";
import { swatch } from "./raster.js";

/** Numbers in as few digits as keep them different. */
function short(value) {
  return Number(value.toPrecision(3)).toString().replace("-", "\u2212");
}

/**
 * Buttons of the classes that occur. `counts` has each class's points, the unknown ones last; `hidden` is a Set of
 * numbers, which a click changes; `changed()` hears of it.
 */
export function ofClasses(element, { classes, counts, styles, ground, hidden, changed }) {
  const names = [...classes, "unknown"];
  const there = [...counts.keys()].filter((number) => counts[number]);
  const turn = (number, alone) => {
    const only = there.every((one) => hidden.has(one) === (one !== number));
    if (alone) for (const one of there) hidden[!only && one !== number ? "add" : "delete"](one);
    else hidden[hidden.has(number) ? "delete" : "add"](number);
    for (const button of element.querySelectorAll("button")) button.setAttribute("aria-pressed", String(!hidden.has(Number(button.dataset.number))));
    changed();
  };
  fill(element, h("div", { class: "legend", role: "group", "aria-label": "Classes that are shown" }, there.map((number) =>
    h("button", { type: "button", "data-number": number, "aria-pressed": String(!hidden.has(number)), title: "Click: hide or show. Shift-click: show this one alone, or all again.", onclick: (event) => turn(number, event.shiftKey) },
      swatch(styles[number], ground), h("span", {}, names[number]), h("small", {}, counts[number].toLocaleString("en"))))));
}

/** A range from low to high. */
export function ofNumbers(element, { low, high, styles, unknown }) {
  const steps = styles.slice(0, -1).map((style) => {
    const step = h("i");
    step.style.background = words(style.colour);
    return step;
  });
  fill(element, h("div", { class: "scale" }, steps), h("div", { class: "ends" }, h("span", {}, short(low)), h("span", {}, short(high))),
    unknown ? h("p", { class: "soft" }, `${unknown.toLocaleString("en")} unknown, as rings.`) : null);
}
