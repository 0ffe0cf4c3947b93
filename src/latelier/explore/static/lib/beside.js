// Columns: the image, and of each run what it draws of it, where that differs, its scores, and what is near by code.

import { fill, h } from "./dom.js";
import { go } from "./address.js";
import { address, figure, thumb } from "./image.js";
import { line } from "./scores.js";

const NEAR = 6; // images nearest by code

/** A run's name, and of what method it is. */
export function title(run) {
  return [h("b", {}, run.title), run.title === run.model ? "" : ` (${run.model})`];
}

/** Answers of other runs' panels, as long as the stage is open; null where it is not, or where one was overtaken. */
export async function asking(stage, run, panel, action, question, waiting) {
  try {
    const answer = await stage.sent(panel, action, question, run.title, { run, waiting });
    return stage.open ? answer : null;
  } catch (error) {
    stage.fail(error);
    return null;
  }
}

/** One run's column; `draw(gain)` draws it anew. */
function column(stage, run) {
  const again = figure(run, null, "", { alt: `${run.title}: what it draws` });
  const difference = figure(run, null, "", { alt: `${run.title}: where it differs` });
  const scores = h("dl", { class: "scores" });
  const near = h("div", { class: "near-code" });
  const element = h("section", { class: "column", "aria-label": run.title }, h("h2", {}, title(run)), again.element, difference.element, scores, near);

  async function draw(gain) {
    const answer = await asking(stage, run, "compare", "show", { image: stage.image, gain });
    if (!answer) return;
    again.show(answer.image, [h("b", {}, answer.psnr), h("br"), `${answer.numbers.toLocaleString("en")} numbers`]);
    difference.show(answer.difference, [`difference \u00d7${gain}`, h("br"), `at most ${answer.greatest.toFixed(2)} of 1`]);
  }

  async function rest() {
    const scored = await asking(stage, run, "start", "scores", {});
    if (scored) fill(scores, scored.headlines.length ? scored.headlines.map(line) : h("div", {}, h("dt", {}, "Scores"), h("dd", { class: "soft" }, "none yet")));
    const waiting = (share) => fill(near, h("p", { class: "soft" }, `Codes of all images: ${Math.round(100 * share)} %`));
    const found = await asking(stage, run, "look", "near", { image: stage.image, count: NEAR }, waiting);
    if (!found) return fill(near);
    const small = found.images.map((one) => thumb(run, one, false, () => go({ image: one.id })));
    fill(near, h("h3", {}, "Nearest by code"), h("div", { class: "near" }, small));
  }

  return { element, draw, rest };
}

/** The columns, and `draw(gain)` of all. What is slow comes after what is drawn. */
export function beside(stage, runs) {
  const original = figure(stage.run, address(stage.run, stage.image), "the image", { alt: "The image" });
  const columns = runs.map((run) => column(stage, run));
  const element = h("div", { class: "columns" }, h("section", { class: "column", "aria-label": "The image" }, h("h2", {}, "Original"), original.element), columns.map((one) => one.element));
  const draw = (gain) => Promise.all(columns.map((one) => one.draw(gain)));
  return { element, draw, rest: () => columns.forEach((one) => one.rest()) };
}
