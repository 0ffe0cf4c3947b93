// A slider an attribute; before and after; and a table that says whether the edit can be trusted.

import { button, fill, h, said } from "../lib/dom.js";
import { figure, frames } from "../lib/image.js";
import { slider } from "../lib/slider.js";
import { keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { settled } from "../lib/stage.js";
import { go } from "../lib/address.js";

const LOOKING = "Looking where attributes lie in the code";

export async function mount(stage) {
  const [before, after] = ["before", "after"].map((alt) => figure(stage.run, "", alt, { alt }));
  const degrees = h("section", { class: "later" });
  const table = h("section", { class: "later" });
  const by = Object.fromEntries(new URLSearchParams(stage.get("by").replaceAll(",", "&")));
  const list = h("div", { class: "sliders" }, h("p", { class: "soft" }, "Attributes come here once it is known where they lie in the code."));
  stage.body.classList.add("split");
  stage.view.append(h("div", { class: "figures stays" }, before.element, after.element), degrees, table);
  stage.side.append(list);

  const answer = await stage.ask("attributes", {}, "edit", LOOKING);
  if (!answer) return fill(list, stage.again());
  const question = () => ({ image: stage.image, by: Object.fromEntries(Object.entries(by).map(([name, value]) => [name, Number(value)])) });
  const draw = stage.newest("move", (drawn) => {
    before.show(drawn.again, "before: drawn of its code");
    after.show(drawn.image, ["after: ", h("b", {}, words(by))]);
  }, LOOKING);
  const judge = stage.newest("trust", (judged) => {
    const moved = Object.values(by).some((value) => Number(value));
    fill(degrees, moved && h("h2", {}, "By degrees"), moved && frames(stage.run, judged.strip.map(({ share, image }) => ({ image, words: `\u00d7${said(share, 1)}`, here: share === 1 }))));
    fill(table, trust(judged, by));
  }, "Judging the edit");
  const judgeLater = settled(() => judge(question()));

  function moved(name, value) {
    if (value) by[name] = value;
    else delete by[name];
    stage.note({ by: new URLSearchParams(by).toString().replaceAll("&", ",") });
    draw(question());
    judgeLater();
  }

  const sliders = answer.attributes.map((name) => slider({ name, low: -answer.farthest, high: answer.farthest, step: 0.25, value: Number(by[name]) || 0, home: 0 }, (value) => moved(name, value)));
  fill(list, sliders.map((one) => one.element));
  const reset = button("Reset", () => {
    for (const one of sliders) one.set(0);
    for (const name of Object.keys(by)) moved(name, 0);
  });
  stage.side.prepend(h("div", { class: "row" }, reset, h("p", { class: "soft" }, `Along ${answer.said}.`)));
  stage.side.append(keep(stage, { image: () => after.shown.src, question }));
  stage.element.append(h("div", { class: "below" }, strip(stage, "Another image", stage.image, (image) => go({ image }))));
  draw(question());
  judge(question());
}

function words(by) {
  const parts = Object.entries(by).map(([name, value]) => `${name} by ${said(Number(value))}`);
  return parts.join(", ") || "nothing moved";
}

function trust(judged, by) {
  const heads = ["log-odds of", "before", "moved code", "image drawn"];
  const rows = judged.rows.map(({ name, odds }) => h("tr", { class: name in by ? "moved" : undefined }, h("th", { scope: "row" }, name in by ? h("b", {}, `${name} (moved)`) : name), odds.map((value) => h("td", { class: "number" }, said(value, 1)))));
  const identity = judged.identity === null ? "" : `Identity ${said(judged.identity)}: how far the image drawn is from the one before, in features of a trunk that nobody trained; 0 is the same, 1 another image of the data.`;
  return [
    h("h2", {}, "Can it be trusted?"),
    h("p", { class: "soft" }, `${identity} Trust an edit whose attribute changes in the image drawn, encoded again, while the others stay.`),
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((words, i) => h("th", { scope: "col", class: i ? "number" : undefined }, words)))), h("tbody", {}, rows)),
  ];
}
