// Images that one run reconstructs worse than another, the greatest difference first.

import { fill, h } from "./dom.js";
import { go } from "./address.js";
import { thumb } from "./image.js";
import { asking } from "./beside.js";

const SHOWN = 12;
const known = new Map(); // run -> its answer: the images stay as they are while the page is open

async function errors(stage, run, waiting) {
  const found = known.get(run.id) ?? (await asking(stage, run, "compare", "errors", {}, waiting));
  if (found) known.set(run.id, found);
  return found;
}

/** A section in which two of the runs are chosen, one against the other. */
export function worst(stage, runs) {
  const pick = (name, label, instead) => {
    const choice = h("select", { "aria-label": label, onchange: () => go({ [name]: choice.value }) }, runs.map((run) => h("option", { value: run.id }, run.title)));
    choice.value = (runs.find((run) => run.id === stage.get(name)) ?? instead).id;
    return choice;
  };
  const one = pick("worse", "The run that is worse", runs[0]);
  const other = pick("than", "The run that is better", runs.find((run) => run.id !== one.value));
  const words = h("p", { class: "soft", role: "status" });
  const gallery = h("div", { class: "gallery", role: "group", "aria-label": "Worst cases" });

  async function show() {
    const pair = [one.value, other.value].map((id) => runs.find((run) => run.id === id));
    if (pair[0] === pair[1]) return fill(words, "Choose two different runs.");
    const found = [];
    for (const run of pair) {
      const waiting = (share) => fill(words, `Reconstructing images by ${run.title}: ${Math.round(100 * share)} %. This is done once.`);
      found.push(await errors(stage, run, waiting));
      if (!found.at(-1)) return fill(words);
    }
    const [mine, its] = found.map((answer) => answer.psnr);
    const lag = mine.map((psnr, i) => its[i] - psnr);
    const order = lag.map((_, i) => i).filter((i) => lag[i] > 0).sort((a, b) => lag[b] - lag[a]);
    const of = `${mine.length.toLocaleString("en")} of ${found[0].total.toLocaleString("en")} images`;
    fill(words, `Of ${of}${mine.length < found[0].total ? ", drawn at random" : ""}, ${pair[0].title} is worse on ${order.length.toLocaleString("en")}. On average ${found[0].mean} against ${found[1].mean}.`);
    fill(gallery, order.slice(0, SHOWN).map((i) => thumb(stage.run, { ...found[0].images[i], note: `${mine[i].toFixed(1)} / ${its[i].toFixed(1)} dB` }, found[0].images[i].id === stage.image, () => go({ image: found[0].images[i].id }))));
  }

  show();
  return h("section", { class: "view" }, h("h2", {}, "Worst cases of one against another"), h("div", { class: "row" }, one, "against", other), words, gallery);
}
