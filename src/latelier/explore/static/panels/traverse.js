// A slider for each latent dimension. Of maps the cell is chosen by clicking on the image.

import { button, fill, h, segments } from "../lib/dom.js";
import { figure } from "../lib/image.js";
import { slider } from "../lib/slider.js";
import { keep } from "../lib/keep.js";
import { go } from "../lib/address.js";
import { strip } from "../lib/strip.js";

const MORE = 16;

export function mount(stage) {
  const from = () => (stage.get("seed") === "" ? { image: stage.image } : { seed: Number(stage.get("seed")) });
  const origin = () => (stage.get("seed") === "" ? stage.image : `seed ${stage.get("seed")}`);
  const moves = new Map(stage.get("of") === origin() ? parsed(stage.get("m")) : []);
  const locks = new Set(stage.get("locked").split(",").filter(Boolean));
  let sliders = [];
  let ranges = null;

  const big = figure(stage.run, "", "drawn from the moved code", { alt: "Drawn of the code as it is moved", big: true });
  const cells = h("div", { class: "cells", hidden: true, role: "group", "aria-label": "Cell of the map" });
  big.frame.append(cells);
  const latents = h("div", {});
  const list = h("div", { class: "sliders" });
  const words = h("p", { class: "soft" });
  const more = button("More numbers", () => load({ most: sliders.length + MORE }));
  const anew = button("Draw a new one", () => go({ seed: Math.floor(Math.random() * 1e6), m: "", of: "" }), { hidden: true });
  const back = button("Back to the image", () => go({ seed: "", m: "", of: "" }), { hidden: stage.get("seed") === "" || !stage.run.panels.includes("reconstruct") });

  const question = () => ({ ...from(), latent: ranges.latent, moves: Object.fromEntries(moves) });
  const draw = stage.newest("move", (answer) => big.show(answer.image));
  const noted = () => stage.note({ m: [...moves].map(([key, value]) => `${key}=${value}`).join(","), of: origin(), locked: [...locks].join(",") });

  function moved(key, value) {
    moves.set(key, value);
    draw(question());
    noted();
  }

  function reset() {
    moves.clear();
    for (const one of sliders) one.set(one.home);
    draw(question());
    noted();
  }

  function randomise() {
    for (const one of sliders.filter((other) => !other.locked)) {
      const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
      const value = ranges.kind === "gaussian" ? normal : one.low + Math.random() * (one.high - one.low);
      one.set(Number(Math.min(one.high, Math.max(one.low, value)).toFixed(4)));
      moves.set(one.key, one.value);
    }
    draw(question());
    noted();
  }

  async function load(changes = {}) {
    stage.note(changes);
    const at = (name) => (stage.get(name) === "" ? undefined : Number(stage.get(name)));
    const answer = await stage.ask("sliders", { ...from(), latent: stage.get("latent"), row: at("row"), column: at("column"), most: at("most") }, "traverse", "Reading how much each number tells");
    if (!answer) return;
    ranges = answer;
    sliders = answer.sliders.map(made);
    fill(list, sliders.map((one) => one.element));
    const order = answer.ordered ? ", the most informative first" : "";
    fill(words, `${sliders.length} of ${answer.total} dimensions of ${answer.latent}${answer.grid.length ? ` at row ${answer.cell[0]}, column ${answer.cell[1]}` : ""}${order}.`);
    more.hidden = sliders.length >= answer.total;
    anew.hidden = !answer.samples;
    grid(answer);
    if (answer.latents.length > 1) {
      const choices = answer.latents.map(({ name, shape }) => [name, `${name} (${shape.join("\u00d7")})`]);
      fill(latents, segments("Latent to move", choices, answer.latent, (latent) => load({ latent, row: "", column: "", most: "" })));
    }
    draw(question());
  }

  function made(one) {
    const lock = (on) => {
      if (on) locks.add(one.key);
      else locks.delete(one.key);
      noted();
    };
    const api = slider({ ...one, value: moves.get(one.key) ?? one.value, home: one.value, hint: one.weight, lockable: true, locked: locks.has(one.key) }, (value) => moved(one.key, value), lock);
    return Object.assign(api, { key: one.key });
  }

  function grid({ grid: [rows, columns], cell }) {
    cells.hidden = !rows;
    if (!rows) return;
    cells.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
    fill(cells, Array.from({ length: rows * columns }, (_, place) => {
      const [row, column] = [Math.floor(place / columns), place % columns];
      return button("", () => load({ row, column }), { "aria-label": `row ${row}, column ${column}`, pressed: row === cell[0] && column === cell[1] });
    }));
  }

  stage.view.classList.add("stays");
  stage.view.append(big.element, h("div", { class: "row" }, button("Reset", reset), button("Randomise", randomise), anew, back));
  stage.side.append(latents, words, list, more, keep(stage, { image: () => big.shown.src, question }));
  stage.element.append(h("div", { class: "below" }, strip(stage, "Another image", stage.image, (image) => go({ image, seed: "" }))));
  load();
}

/** "z:3=1.5,z:5=-0.2" as pairs; what is no number is left out. */
function parsed(text) {
  const pairs = text.split(",").map((part) => part.split("="));
  return pairs.filter(([key, value]) => key && value !== undefined && Number.isFinite(Number(value))).map(([key, value]) => [key, Number(value)]);
}
