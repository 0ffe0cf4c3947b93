// Images on the page: large, with their own pixels, and with words.

import { fill, h } from "./dom.js";

const CRISP = 160; // px: smaller images are magnified without smoothing

/** The address of a picture of the data, or of an upload. */
export function address(run, picture) {
  return `/api/${run.id}/picture/${picture}.png?${run.version}`;
}

/** An image that is crisp where it is small. */
export function image(run, source, alt) {
  const [, height, width] = run.image;
  return h("img", { src: source, alt, width, height, class: Math.max(height, width) <= CRISP ? "crisp" : undefined, draggable: "false" });
}

/** A picture with a caption, or an empty frame without a source; `show(source, words)` puts another in its place. */
export function figure(run, source, words, { alt = "", big = false } = {}) {
  const shown = image(run, source || undefined, alt || (typeof words === "string" ? words : ""));
  const caption = h("figcaption", {}, words);
  const frame = h("div", { class: "frame" }, shown);
  frame.style.setProperty("--shape", `${run.image[2]} / ${run.image[1]}`);
  const element = h("figure", { class: big ? "big" : undefined }, frame, caption);

  function show(next, said) {
    if (next) shown.src = next;
    else shown.removeAttribute("src");
    shown.hidden = !next;
    frame.classList.toggle("empty", !next);
    if (said !== undefined) fill(caption, said);
  }

  show(source);
  return { element, frame, shown, show };
}

/** A button that is a small picture. */
export function thumb(run, { id, caption, note }, pressed, onclick) {
  const picture = image(run, address(run, id), "");
  picture.loading = "lazy";
  const words = note ? `${caption}, ${note}` : caption;
  return h("button", { type: "button", class: "thumb", title: words, "aria-label": words, "aria-pressed": String(pressed), "data-id": id, onclick }, picture, h("span", {}, note ?? caption));
}

/** A row of pictures by degrees. */
export function frames(run, pictures) {
  return h("div", { class: "frames" }, pictures.map(({ picture, words, alt, here }) =>
    h("figure", { class: here ? "here" : undefined }, h("div", { class: "frame" }, image(run, picture, alt ?? words ?? "")), words && h("figcaption", {}, words))));
}
