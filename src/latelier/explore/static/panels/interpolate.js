// Between two to four images, by dragging a point or by two sliders.

import { button, fill, h, percent } from "../lib/dom.js";
import { figure, frames, thumb } from "../lib/image.js";
import { slider } from "../lib/slider.js";
import { keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { settled } from "../lib/stage.js";

const PLACES = ["upper left", "upper right", "lower left", "lower right"];

export function mount(stage) {
  const row = Number(/^d(\d+)$/.exec(stage.image)?.[1] ?? 0);
  const given = stage.get("images").split(",").filter(Boolean).slice(0, 4);
  const images = given.length > 1 ? given : [stage.image, `d${(row + 1) % stage.run.count}`];
  const at = { x: number(stage.get("x"), 0.5), y: number(stage.get("y"), 0) };
  let chosen = 1;

  const big = figure(stage.run, "", "", { alt: "Between the images", big: true });
  const corners = h("div", { class: "corners" });
  const dot = h("i");
  const pad = h("div", { class: "pad", "aria-hidden": "true" }, dot);
  const way = h("div", {});
  const across = slider({ name: "Across", low: 0, high: 1, step: 0.01, value: at.x, home: 0.5 }, (x) => moved({ x }));
  const down = slider({ name: "Down", low: 0, high: 1, step: 0.01, value: at.y, home: 0 }, (y) => moved({ y }));
  const add = button("Add an image", () => change([...images, `d${(row + images.length) % stage.run.count}`], images.length));
  const remove = button("Remove the last", () => change(images.slice(0, -1), 1));

  const question = () => ({ images, ...at });
  const draw = stage.newest("at", (answer) => big.show(answer.image, `${percent(at.x)} across${images.length > 2 ? `, ${percent(at.y)} down` : ""}`));
  const drawWay = stage.newest("strip", (answer) => fill(way, h("h2", {}, "The way across"), frames(stage.run, answer.images.map((image, i, all) => ({ image, words: percent(i / (all.length - 1)) })))));
  const drawLater = settled(() => drawWay(question()));

  function moved(change) {
    Object.assign(at, change);
    dot.style.left = `${100 * at.x}%`;
    dot.style.top = images.length > 2 ? `${100 * at.y}%` : "50%";
    across.set(at.x);
    down.set(at.y);
    draw(question());
    if ("y" in change) drawLater();
    stage.note({ ...at, images: images.join(",") });
  }

  function change(next, corner) {
    images.splice(0, images.length, ...next);
    chosen = Math.min(corner, images.length - 1);
    shown();
  }

  function shown() {
    if (images.length < 3) at.y = 0;
    fill(corners, images.map((id, i) => thumb(stage.run, { id, caption: images.length > 2 ? PLACES[i] : ["left", "right"][i] }, i === chosen, () => {
      chosen = i;
      shown();
    })));
    add.disabled = images.length === 4;
    remove.disabled = images.length === 2;
    down.element.hidden = images.length < 3;
    pad.classList.toggle("line", images.length < 3);
    moved({ ...at });
  }

  function drag(event) {
    if (event.type === "pointerdown") pad.setPointerCapture(event.pointerId);
    else if (!pad.hasPointerCapture(event.pointerId)) return;
    const box = pad.getBoundingClientRect();
    const share = (value, size) => Number(Math.min(1, Math.max(0, value / size)).toFixed(3));
    moved({ x: share(event.clientX - box.left, box.width), y: images.length > 2 ? share(event.clientY - box.top, box.height) : 0 });
  }
  pad.addEventListener("pointerdown", drag);
  pad.addEventListener("pointermove", drag);

  stage.view.append(big.element, way);
  stage.side.append(
    h("section", {}, h("h2", {}, "Between these"), corners, h("div", { class: "row" }, add, remove)),
    pad, across.element, down.element,
    strip(stage, "Choose for the marked place", images[chosen], (id) => change(images.map((one, i) => (i === chosen ? id : one)), chosen)),
    keep(stage, { image: () => big.shown.src, question }),
  );
  shown();
}

function number(text, instead) {
  const value = Number(text);
  return text !== "" && value >= 0 && value <= 1 ? value : instead;
}
