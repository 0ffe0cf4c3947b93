// The gallery: pages of images that fit the filters, in an order; those nearest to one; near-duplicates; a file of one's own.

import { button, fill, h, percent, said } from "../lib/dom.js";
import { address, thumb } from "../lib/image.js";
import { go } from "../lib/address.js";
import { keep } from "../lib/keep.js";
import { keepFound, keepRows } from "../lib/selection.js";
import { closed, toSplit } from "../lib/split.js";
import { typed } from "../lib/typed.js";

const PAGE = 48;
const FILTERS = ["label", "given", "guess", "prediction", "confidence", "cluster", "part", "wrong", "attribute", "value", "words", "order", "selection"];
const ORDERS = { error: "worst reconstructed first", outlier: "farthest from all others first", bound: "least likely first", ratio: "least likely for their complexity first", unsure: "least sure first" };
const MOST = 0.1; // of pairs: of the typical distance to the nearest image

export const keys = [["Shift and click", "selects from the image clicked before to this one"]];

export async function mount(stage) {
  stage.wide();
  const file = h("input", { type: "file", accept: "image/*", class: "hidden", onchange: () => file.files.length && dispatchEvent(new CustomEvent("latelier-file", { detail: file.files[0] })) });
  const filters = h("div", { class: "row" });
  const words = h("p", { class: "soft", "aria-live": "polite" });
  const gallery = h("div", { class: "gallery", role: "group", "aria-label": "Images" });
  const pages = h("div", { class: "row pages" });
  const onward = h("div", { class: "row" }, h("span", { class: "soft" }, "Work on the chosen image:"));
  const mode = stage.get("near") ? "near" : stage.get("pairs") ? "pairs" : stage.get("says") ? "says" : "page";
  stage.view.append(h("div", { class: "row" }, h("label", { class: "button" }, "Open an image of your own", file)), filters, onward, words, gallery, pages, keep(stage, { question: () => ({ ...chosenFilters(), mode, near: stage.image, most: Number(stage.get("pairs")) || MOST }), action: "command" }));
  for (const panel of stage.run.panels.filter((name) => stage.site.panels[name].group === "Code").slice(0, 4)) {
    onward.append(button(stage.site.panels[panel].title, () => go({ panel })));
  }

  const chosenFilters = () => Object.fromEntries(FILTERS.map((name) => [name, stage.get(name)]).filter(([, value]) => value));
  const change = (changes) => go({ start: "", near: "", pairs: "", says: "", ...changes });
  let before = null; // the row that was clicked last
  let places = []; // ids that are shown

  function choose(one, event) {
    const at = places.indexOf(one.id);
    if (event.shiftKey && before !== null) return select(places.slice(Math.min(before, at), Math.max(before, at) + 1));
    before = at;
    return go({ image: one.id, start: "", of: "" });
  }

  async function select(ids) {
    const rows = ids.filter((id) => id.startsWith("d")).map((id) => Number(id.slice(1)));
    go({ selection: await keepRows(stage, rows) });
  }

  function note(one) {
    const number = one.distance ?? one.log_probability;
    if (number !== undefined) return said(number);
    if (one.given !== undefined) return one.given;
    return one.guess === undefined ? undefined : `${one.guess}? ${percent(one.confidence)}`;
  }

  const shown = (images) => {
    places = images.map((one) => one.id);
    fill(gallery, images.map((one) => thumb(stage.run, { ...one, note: note(one) }, one.id === stage.image, (event) => choose(one, event))));
  };

  function menu(name, title, choices) {
    if (!choices.length) return null;
    const select = h("select", { "aria-label": title, onchange: () => change({ [name]: select.value }) }, h("option", { value: "" }, title), choices.map(([value, text]) => h("option", { value }, text)));
    select.value = stage.get(name);
    return select;
  }

  async function offer() {
    const offered = await stage.ask("filters", {});
    if (!offered) return;
    const of = (names) => (names.length ? [...names.map((name) => [name, name]), ["-", "none"]] : []);
    const here = offered.splits.includes(offered.split);
    const split = h("select", { "aria-label": "Split", onchange: () => toSplit(stage, split.value, Object.fromEntries(FILTERS.map((name) => [name, ""]))) }, offered.splits.map((name) => h("option", { value: name }, `${name} images`)));
    split.value = offered.split;
    fill(filters,
      here && offered.splits.length > 1 && split,
      offered.close && button(`Close ${stage.run.title}`, () => closed(stage)),
      menu("label", "all classes", of(offered.classes)),
      menu("given", "all, labelled here or not", offered.given.length ? [["*", "labelled here"], ...of(offered.given)] : []),
      menu("guess", "all guesses", of(offered.given)),
      menu("prediction", "all predictions", of(offered.predictions)),
      menu("confidence", "sure or not", offered.confidences.map((name) => [name, `sure by ${name}`])),
      menu("cluster", "all clusters", offered.clusters.map((name) => [name, name])),
      menu("part", "trained on or not", offered.parts.map((name) => [name, name])),
      menu("wrong", "right and wrong", offered.wrong.map((one) => [one, "predicted wrongly"])),
      menu("attribute", "all attributes", offered.attributes.map((name) => [name, name])),
      stage.get("attribute") && menu("value", "yes", [["no", "no"], ["unknown", "unknown"]]),
      menu("order", "in the data's order", offered.orders.map((name) => [name, ORDERS[name]])),
      typed({ label: "Words of captions or names", hint: "Words", does: "Search", value: stage.get("words") }, (words) => change({ words })),
      offered.captions && typed({ label: "What a caption says", does: "Find", value: stage.get("says") }, (says) => change({ says })),
      offered.search && button("Nearest by code", () => go({ near: mode === "near" ? "" : "1", pairs: "" }), { pressed: mode === "near" }),
      offered.search && button("Near-duplicates", () => go({ pairs: mode === "pairs" ? "" : String(MOST), near: "" }), { pressed: mode === "pairs" }),
      Object.keys(chosenFilters()).length > 0 && button("All images", () => change(Object.fromEntries(FILTERS.map((name) => [name, ""])))));
  }

  async function captioned() {
    const answer = await stage.ask("captioned", { text: stage.get("says"), count: PAGE });
    if (!answer) return;
    fill(words, `Images of which the model finds "${stage.get("says")}" likeliest, with the log-probability of these words in nats.`);
    shown(answer.images);
    fill(pages, button("Select these", () => select(answer.images.map((one) => one.id))));
  }

  async function page() {
    // A page is turned to until another image is chosen elsewhere; then it is that image's.
    const turned = stage.get("of") === stage.image ? Number(stage.get("start")) || 0 : undefined;
    const answer = await stage.ask("page", { ...chosenFilters(), start: turned, image: stage.image, count: PAGE });
    if (!answer) return;
    const mine = stage.own.map((id) => ({ id, caption: "your image" }));
    shown(answer.start ? answer.images : [...mine, ...answer.images]);
    const end = answer.start + answer.images.length;
    const to = (place) => () => go({ start: Math.max(0, place), of: stage.image });
    fill(words, answer.total ? `Images ${answer.start + 1} to ${end} of ${answer.total.toLocaleString("en")}.` : "No image fits this.");
    fill(pages,
      button("Earlier", to(answer.start - PAGE), { disabled: answer.start === 0 }),
      button("Later", to(answer.start + PAGE), { disabled: end >= answer.total }),
      answer.total > 0 && !stage.get("selection") && button(`Select ${answer.total === 1 ? "it" : `all ${answer.total.toLocaleString("en")}`}`, async () => go({ selection: await keepFound(stage, chosenFilters()) })));
  }

  async function nearest() {
    const answer = await stage.ask("near", { image: stage.image, count: PAGE });
    if (!answer) return;
    fill(words, `Images whose codes are nearest to the working image's, nearest first, with their distance. Searched: ${answer.of}.`);
    shown([{ id: stage.image, caption: "the working image" }, ...answer.images]);
    fill(pages, button("Select these", () => select(answer.images.map((one) => one.id))));
  }

  async function duplicates() {
    const most = Number(stage.get("pairs")) || MOST;
    const threshold = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: most, "aria-label": "Largest distance of a pair", onchange: () => go({ pairs: threshold.value }) });
    const answer = await stage.ask("pairs", { most });
    if (!answer) return;
    fill(words, `${answer.total.toLocaleString("en")} pairs of images are at most ${said(most)} times as far apart as an image and its nearest usually are.`);
    gallery.classList.add("pairs");
    fill(gallery, answer.pairs.map(({ images, distance }) =>
      h("div", { class: "pair card", role: "group", "aria-label": `A pair, distance ${said(distance)}` }, images.map((one) => thumb(stage.run, one, false, () => go({ image: one.id, pairs: "" }))), h("small", { class: "soft" }, said(distance)))));
    fill(pages, h("label", { class: "choice" }, "Up to", threshold), answer.selection && button("Select the second of each pair", () => go({ selection: answer.selection, pairs: "" })));
  }

  await offer();
  if (mode === "near") return nearest();
  if (mode === "says") return captioned();
  return mode === "pairs" ? duplicates() : page();
}
