// A mask painted with a brush, pixel by pixel of the model's own, and what is filled in.

import { button, fill, h, percent } from "../lib/dom.js";
import { address, figure, framed, image } from "../lib/image.js";
import { slider } from "../lib/slider.js";
import { fetched, keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { pack, unpack } from "../lib/bits.js";
import { go } from "../lib/address.js";

const UNDO = 50; // strokes
export const keys = [["arrows", "on the image: move"], ["Space", "on the image: paint"]];

export function mount(stage) {
  const [, height, width] = stage.run.image;
  let hidden = unpack(stage.get("hidden"), width * height);
  const before = []; // masks, the last stroke's last
  const cursor = { x: width >> 1, y: height >> 1 };
  const canvas = h("canvas", { width, height, class: "paint", tabindex: "0", role: "img", "aria-label": "The image. Paint with the pointer, or move with the arrow keys and paint with space." });
  const original = h("figure", {}, framed(stage.run, canvas), h("figcaption", {}, "paint over what shall be missing"));
  const filled = figure(stage.run, null, "nothing is missing yet", { alt: "filled in" });
  const source = image(stage.run, address(stage.run, stage.image), "");
  const brush = slider({ name: "Brush", hint: "pixels", low: 1, high: Math.max(3, Math.round(Math.min(width, height) / 2)), step: 1, value: Math.max(2, Math.round(width / 8)), digits: 0 }, () => {});
  const question = () => ({ image: stage.image, hidden: pack(hidden), seed: Number(stage.get("seed")) || 0 });
  const ask = stage.newest("fill", (answer) => filled.show(answer.image, ["filled in, ", h("b", {}, percent(answer.missing)), " of the image was missing"]));

  function shown(at = null) {
    const context = canvas.getContext("2d");
    context.drawImage(source, 0, 0, width, height);
    context.fillStyle = "rgb(150 180 235)";
    for (let i = 0; i < hidden.length; i += 1) if (hidden[i]) context.fillRect(i % width, Math.floor(i / width), 1, 1);
    if (at) {
      context.strokeStyle = "rgb(215 95 0)";
      context.strokeRect(at.x - brush.value / 2 + 0.5, at.y - brush.value / 2 + 0.5, brush.value, brush.value);
    }
  }

  function painted() {
    shown();
    stage.note({ hidden: hidden.some(Boolean) ? pack(hidden) : "" });
    if (hidden.some(Boolean)) ask(question());
    else filled.show(null, "nothing is missing yet");
  }

  function stroke() {
    before.push(hidden.slice());
    if (before.length > UNDO) before.shift();
  }

  function dab(x, y) {
    const reach = brush.value / 2;
    for (let v = 0; v < height; v += 1) {
      for (let u = 0; u < width; u += 1) if (Math.hypot(u - x, v - y) < Math.max(0.51, reach)) hidden[v * width + u] = 1;
    }
  }

  function paint(event) {
    if (event.type === "pointerdown") {
      canvas.setPointerCapture(event.pointerId);
      stroke();
    } else if (!canvas.hasPointerCapture(event.pointerId)) return;
    const box = canvas.getBoundingClientRect();
    for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
      dab(((one.clientX - box.left) / box.width) * width - 0.5, ((one.clientY - box.top) / box.height) * height - 0.5);
    }
    painted();
  }

  function key(event) {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (x || y) {
      cursor.x = Math.min(width - 1, Math.max(0, cursor.x + x));
      cursor.y = Math.min(height - 1, Math.max(0, cursor.y + y));
    } else if (event.key === " ") {
      stroke();
      dab(cursor.x, cursor.y);
      painted();
    } else return;
    event.preventDefault();
    shown(cursor);
  }

  function whole(mask) {
    stroke();
    hidden = mask;
    painted();
  }

  const box = (test) => Uint8Array.from({ length: width * height }, (_, i) => Number(test(i % width, Math.floor(i / width))));
  const middle = (value, size) => value >= size / 4 && value < (3 * size) / 4;
  const buttons = [
    button("Undo", () => before.length && ((hidden = before.pop()), painted())),
    button("Clear", () => whole(new Uint8Array(width * height))),
    button("Middle", () => whole(box((x, y) => middle(x, width) && middle(y, height)))),
    button("Right half", () => whole(box((x) => x >= width / 2))),
    button("Fill again", () => (stage.note({ seed: (Number(stage.get("seed")) || 0) + 1 }), painted())),
  ];
  canvas.addEventListener("pointerdown", paint);
  canvas.addEventListener("pointermove", paint);
  canvas.addEventListener("keydown", key);
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && shown(cursor));
  canvas.addEventListener("blur", () => shown());
  source.addEventListener("load", painted);

  const mask = () => {
    const whiteKnown = h("canvas", { width, height });
    const context = whiteKnown.getContext("2d");
    hidden.forEach((gone, i) => {
      context.fillStyle = gone ? "black" : "white";
      context.fillRect(i % width, Math.floor(i / width), 1, 1);
    });
    return new Promise((done) => whiteKnown.toBlob(done, "image/png"));
  };
  stage.view.append(h("div", { class: "figures" }, original, filled.element));
  stage.side.append(brush.element, h("div", { class: "row" }, buttons), keep(stage, { image: () => filled.shown.src, question, action: "command", files: [["the image (PNG)", "image.png", () => fetched(address(stage.run, stage.image))], ["the mask (PNG)", "mask.png", mask]] }));
  stage.element.append(h("div", { class: "below" }, strip(stage, "Another image", stage.image, (image) => go({ image }))));
}
