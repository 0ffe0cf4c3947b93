// From a column of values to what points look like.

import { ofClasses, ofNumbers, STEPS } from "./colours.js";
import { HIDDEN } from "./plane.js";

const CELLS = 12; // of half the plane's side

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

/** The place of the point with the most others of its kind in and around its cell of a grid: never on empty ground. */
function densest(some, place) {
  const cell = (i) => [Math.floor((place[2 * i] + 1) * CELLS), Math.floor((place[2 * i + 1] + 1) * CELLS)];
  const counts = new Map();
  const key = (across, up) => across * 4096 + up;
  for (const i of some) {
    const at = key(...cell(i));
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  const around = new Map(); // the same, over a cell and the eight beside it
  for (const at of counts.keys()) {
    let sum = 0;
    for (const across of [-1, 0, 1]) for (const up of [-1, 0, 1]) sum += counts.get(at + key(across, up)) ?? 0;
    around.set(at, sum);
  }
  let most = some[0];
  for (const i of some) if (around.get(key(...cell(i))) > around.get(key(...cell(most)))) most = i;
  return { x: place[2 * most], y: place[2 * most + 1] };
}

/** Names where their points are densest, those of most points first. */
function named(classes, values, place, hidden) {
  const points = classes.map(() => []);
  values.forEach((number, i) => number >= 0 && points[number]?.push(i));
  const found = points.map((some, number) => ({ some, number, text: classes[number] })).filter(({ some, number }) => some.length && !hidden.has(number));
  found.sort((one, other) => other.some.length - one.some.length);
  return found.map(({ some, text }) => ({ text, ...densest(some, place) }));
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
