// What points look like: colours that are read off the style sheet, so that they suit its light or dark ground, and
// shapes, so that no two classes differ by colour alone.

const CLASSES = 8;
const RAMP = 5; // colours that a ramp leads through
export const STEPS = 32; // of a ramp
const SHAPES = ["disc", "square", "triangle", "diamond", "cross", "down", "plus"]; // as many as share no divisor with CLASSES

function rgb(text) {
  return [1, 3, 5].map((at) => parseInt(text.trim().slice(at, at + 2), 16));
}

/** Two colours, the second by a share of it. */
export function mixed(one, other, share) {
  return one.map((value, i) => Math.round(value + (other[i] - value) * share));
}

/** One number for a pixel, as bytes lie in it. */
export function packed([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** "rgb(1, 2, 3)". */
export function words(colour) {
  return `rgb(${colour.join(", ")})`;
}

/** The colours of the page as it is now, light or dark. */
export function scheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => rgb(style.getPropertyValue(name));
  return {
    ground: read("--sunk"),
    ink: read("--ink"),
    accent: read("--accent"),
    unknown: { colour: read("--unknown"), shape: "ring" },
    classes: Array.from({ length: CLASSES }, (_, i) => read(`--class-${i + 1}`)),
    ramp: Array.from({ length: RAMP }, (_, i) => read(`--ramp-${i + 1}`)),
  };
}

/** How classes by number are drawn, the unknown last. */
export function ofClasses(colours, count) {
  const known = Array.from({ length: count }, (_, i) => ({ colour: colours.classes[i % CLASSES], shape: SHAPES[i % SHAPES.length] }));
  return [...known, colours.unknown];
}

/** How numbers are drawn, from low to high, the unknown last. */
export function ofNumbers(colours) {
  const steps = Array.from({ length: STEPS }, (_, i) => {
    const at = (i / (STEPS - 1)) * (RAMP - 1);
    const low = Math.min(RAMP - 2, Math.floor(at));
    return { colour: mixed(colours.ramp[low], colours.ramp[low + 1], at - low), shape: "disc" };
  });
  return [...steps, colours.unknown];
}
