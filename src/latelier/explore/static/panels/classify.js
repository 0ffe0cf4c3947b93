// Probabilities of the classes as bars, with the score's spread over samples of the code or of changed views.

import { button, h, percent, said } from "../lib/dom.js";
import { address, figure } from "../lib/image.js";
import { fetched, keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { go } from "../lib/address.js";

const FIRST = 12; // classes shown at once

export async function mount(stage) {
  const big = figure(stage.run, address(stage.run, stage.image), "", { alt: "The image", big: true });
  stage.body.classList.add("snug");
  stage.view.append(big.element);
  stage.element.append(h("div", { class: "below" }, strip(stage, "Another image", stage.image, (image) => go({ image }))));
  const answer = await stage.ask("show", { image: stage.image });
  if (!answer) return;
  const best = [...answer.classes].sort((a, b) => b.probability - a.probability);
  const verdict = answer.truth ? (best[0].name === answer.truth ? ", as its label says" : `; its label says ${answer.truth}`) : "";
  big.show(address(stage.run, stage.image), [h("b", {}, best[0].name), ` with ${percent(best[0].probability, 1)}${verdict}`]);
  const rows = best.map((one, place) => {
    const bar = h("div", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${100 * one.probability}%`;
    const score = answer.draws ? h("td", { class: "number" }, `${said(one.score)} \u00b1 ${said(one.spread)}`) : null;
    return h("tr", { hidden: place >= FIRST }, h("th", { scope: "row" }, one.name, bar), h("td", { class: "number" }, percent(one.probability, 1)), score);
  });
  const heads = ["class", "probability", ...(answer.draws ? ["score \u00b1 spread"] : [])];
  const more = button(`All ${best.length} classes`, () => {
    for (const row of rows) row.hidden = false;
    more.remove();
  });
  stage.side.append(
    h("table", { class: "classes" }, h("thead", {}, h("tr", {}, heads.map((words, i) => h("th", { scope: "col", class: i ? "number" : undefined }, words)))), h("tbody", {}, rows)),
    best.length > FIRST ? more : "",
    answer.temperature !== 1 ? h("p", { class: "soft" }, `Probabilities are calibrated by temperature ${said(answer.temperature)}, as latelier classify has fitted it.`) : "",
    answer.draws ? h("p", { class: "soft" }, `Mean and standard deviation of each class's score over ${answer.draws} ${answer.of}: where the means of two classes are nearer than their spreads, the verdict is a guess.`) : "",
    keep(stage, { question: () => ({ image: stage.image }), action: "command", files: [["the image (PNG)", "image.png", () => fetched(address(stage.run, stage.image))]] }),
  );
}
