// Images on the page: large, with their own pixels, and with words.

import { fill, h } from "./dom.js";

const CRISP = 160; // px: smaller images are magnified without smoothing, by whole numbers
const TIMES = 16; // magnified at most
const LARGEST = 320; // px of a magnified image's longer side
const THUMB = 96; // px of an image in a gallery, and in a row to choose from:
const SMALL = 64;

const times = (side, most) => Math.max(1, Math.floor(most / side));

/** The width of a small run's image where it stands alone. */
function largest({ image: [, height, width] }) {
  return width * Math.min(TIMES, times(Math.max(height, width), LARGEST));
}

/** Sizes of small images on this page: whole multiples of the run's own, so that all pixels are alike; where not even twice would fit, as large as there is room, and smooth. */
export function measures(run) {
  const side = Math.max(run.image[1], run.image[2]);
  const set = (name, value) => document.documentElement.style.setProperty(name, value);
  for (const [name, most] of [["--thumb", THUMB], ["--small", SMALL]]) {
    const whole = 2 * side <= most || side === most;
    set(name, `${whole ? side * times(side, most) : most}px`);
    set(`${name}-look`, whole ? "pixelated" : "auto");
  }
  set("--largest", side > CRISP ? "30rem" : `${largest(run)}px`);
}

/** The address of an image of the data, or of an upload. */
export function address(run, id) {
  return `/api/${run.id}/image/${id}.png?${run.version}`;
}

function sized(run, element) {
  const [, height, width] = run.image;
  element.style.setProperty("--shape", `${width} / ${height}`);
  if (Math.max(height, width) > CRISP) return element;
  element.classList.add("crisp");
  element.style.setProperty("--width", `${width}px`);
  element.style.setProperty("--most", `${largest(run)}px`);
  return element;
}

/** An image that is crisp where it is small; without a source it is not there yet. */
export function image(run, source, alt) {
  const [, height, width] = run.image;
  return sized(run, h("img", { src: source, alt, width, height, draggable: "false", hidden: !source }));
}

/** What an image, or a canvas of its size, stands in. */
export function framed(run, ...inside) {
  return sized(run, h("div", { class: "frame" }, inside));
}

/** An image with a caption; `show(source, words)` puts another in its place, or with null an empty frame. */
export function figure(run, source, words, { alt = "", big = false } = {}) {
  const shown = image(run, source, alt || (typeof words === "string" ? words : ""));
  const caption = h("figcaption", {}, words);
  const frame = framed(run, shown);
  frame.classList.toggle("empty", !source);
  const element = h("figure", { class: big ? "big" : undefined }, frame, caption);
  return {
    element,
    frame,
    shown,
    show(next, said) {
      if (next) shown.src = next;
      else shown.removeAttribute("src");
      shown.hidden = !next;
      frame.classList.toggle("empty", !next);
      if (said !== undefined) fill(caption, said);
    },
  };
}

/** A button that is a small image. */
export function thumb(run, { id, caption, note }, pressed, onclick) {
  const shown = image(run, address(run, id), "");
  shown.loading = "lazy";
  const words = note ? `${caption}, ${note}` : caption;
  return h("button", { type: "button", class: "thumb", title: words, "aria-label": words, "aria-pressed": String(pressed), "data-id": id, onclick }, shown, h("span", {}, note ?? caption));
}

/** A row of images by degrees. */
export function frames(run, images) {
  return h("div", { class: "frames" }, images.map(({ image: source, words, alt, here }) =>
    h("figure", { class: here ? "here" : undefined }, framed(run, image(run, source, alt ?? words ?? "")), words && h("figcaption", {}, words))));
}
