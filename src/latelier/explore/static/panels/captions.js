// What the model writes of the image, and what it draws of words that a person types.

import { button, fill, h, said } from "../lib/dom.js";
import { address, figure, frames } from "../lib/image.js";
import { fetched, keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { go } from "../lib/address.js";

export async function mount(stage) {
  const big = figure(stage.run, address(stage.run, stage.image), "the working image", { alt: "The working image", big: true });
  const written = h("div", { class: "card" }, h("p", { class: "soft" }, "Writing…"));
  stage.view.append(big.element, written);
  const answer = await stage.ask("describe", { image: stage.image });
  if (!answer) return;
  fill(written,
    h("p", { class: "written" }, answer.caption || "The model writes nothing of this image."),
    h("p", { class: "soft" }, `The likeliest caption that a beam of 5 finds; log-probability ${said(answer.log_probability, 1)} nats.`),
    answer.given.map((text) => h("p", {}, h("span", { class: "soft" }, "Given: "), text)));

  const known = new Set(answer.words);
  const box = h("textarea", { id: "words", rows: "3", value: stage.get("text") || answer.caption, maxlength: "400" });
  const unknown = h("p", { class: "soft", "aria-live": "polite" });
  const gallery = h("div", {});
  const draw = button("Draw this", () => imagine(Number(stage.get("seed")) || 0), { class: "main" });
  const again = button("Other draws", () => imagine((Number(stage.get("seed")) || 0) + 1), { disabled: true });

  async function imagine(seed) {
    stage.note({ text: box.value, seed });
    draw.disabled = again.disabled = true;
    fill(gallery);
    const found = await stage.ask("imagine", { text: box.value, seed }, "captions", "Looking for codes of which this would be written");
    draw.disabled = again.disabled = false;
    if (!found) return fill(gallery, h("p", { class: "soft" }, "Nothing was drawn."));
    const right = found.images.filter((one) => one.right).length;
    fill(gallery,
      h("p", { class: "soft" }, `Of ${right} of ${found.images.length} the model, looking at the image alone, writes that very text (framed). ${Math.round(found.effective)} of ${found.tried.toLocaleString("en")} draws of the prior carried the weight.`),
      h("div", { class: "fours" }, frames(stage.run, found.images.map(({ image, said: words, right: here }) => ({ image, alt: `Drawn; the model writes: ${words}`, here })))));
  }

  box.addEventListener("input", () => {
    const odd = box.value.toLowerCase().match(/[\p{L}\p{N}'-]+/gu)?.filter((word) => !known.has(word)) ?? [];
    fill(unknown, odd.length ? `Not among the ${known.size.toLocaleString("en")} words that the model knows: ${odd.join(", ")}` : "");
  });
  const question = () => ({ image: stage.image, text: answer.imagines ? stage.get("text") : "", seed: Number(stage.get("seed")) || 0 });
  if (answer.imagines) {
    stage.side.append(h("section", { class: "side" }, h("label", { for: "words" }, h("h2", {}, "Draw what is said")), box, unknown, h("div", { class: "row" }, draw, again), gallery));
  }
  stage.side.append(keep(stage, { question, action: "command", files: [["the image (PNG)", "image.png", () => fetched(address(stage.run, stage.image))]] }));
  stage.element.append(h("div", { class: "below" }, strip(stage, "Another image", stage.image, (image) => go({ image }))));
  if (stage.get("text") && answer.imagines) imagine(Number(stage.get("seed")) || 0);
}
