// From a column of values to what points look like.

import { ofClasses, ofNumbers, STEPS } from "./colours.js";
import { HIDDEN } from "./plane.js";

/** An order in which no class lies on all others; the same always. */
function shuffled(count) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

function middle(values) {
  return Float32Array.from(values).sort()[values.length >> 1];
}

/** Names at the medians of their points, those of most points first. */
function named(classes, values, place, hidden) {
  const points = classes.map(() => []);
  values.forEach((number, i) => number >= 0 && points[number]?.push(i));
  const found = points.map((some, number) => ({ some, number, text: classes[number] })).filter(({ some, number }) => some.length && !hidden.has(number));
  found.sort((one, other) => other.some.length - one.some.length);
  return found.map(({ some, text }) => ({ text, x: middle(some.map((i) => place[2 * i])), y: middle(some.map((i) => place[2 * i + 1])) }));
}

/** A class's column (yes and no are two classes): kinds, styles, order and names for a plane, and counts for a legend. */
export function byClass(column, values, place, colours, hidden) {
  const classes = column.kind === "yesno" ? ["no", "yes"] : column.classes;
  const counts = new Int32Array(classes.length + 1);
  const kind = Uint16Array.from(values, (value) => {
    const number = value >= 0 && value < classes.length ? value : classes.length;
    counts[number] += 1;
    return hidden.has(number) ? HIDDEN : number;
  });
  const names = column.kind === "yesno" ? [] : named(classes, values, place, hidden);
  return { kind, styles: ofClasses(colours, classes.length), order: shuffled(values.length), names, classes, counts: [...counts] };
}

/** A column of numbers: the higher, the later it is drawn. */
export function byNumber(column, values, colours) {
  const width = column.high - column.low || 1;
  let unknown = 0;
  const kind = Uint16Array.from(values, (value) => {
    if (!Number.isFinite(value)) unknown += 1;
    return Number.isFinite(value) ? Math.min(STEPS - 1, Math.floor(((value - column.low) / width) * STEPS)) : STEPS;
  });
  const order = Int32Array.from(values.keys()).sort((one, other) => (kind[one] % STEPS) - (kind[other] % STEPS));
  return { kind, styles: ofNumbers(colours), order, names: [], unknown };
}
