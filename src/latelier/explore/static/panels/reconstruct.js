// The image beside what is drawn of its code, level by level where there are levels.

import { h, segments } from "../lib/dom.js";
import { figure } from "../lib/image.js";
import { keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { go } from "../lib/address.js";

export async function mount(stage) {
  stage.wide();
  const answer = await stage.ask("show", { image: stage.image });
  if (!answer) return;
  const original = figure(stage.run, answer.original, "original", { alt: `Original: ${answer.caption}` });
  const again = answer.again.map((one) => {
    const words = one.level ? `drawn of ${one.level} alone` : "drawn of its code";
    const size = `${one.psnr}, ${one.numbers.toLocaleString("en")} numbers for ${answer.pixels.toLocaleString("en")} pixel values`;
    return figure(stage.run, one.image, [h("b", {}, words), h("br"), size], { alt: `${answer.caption}, ${words}, ${one.psnr}` }).element;
  });
  const levels = answer.again.map((one) => one.level);
  const chosen = () => Math.max(0, levels.indexOf(stage.get("level")));
  stage.view.append(h("div", { class: "figures" }, original.element, again));
  if (levels.length > 1) {
    const choice = segments("Level to save", levels.map((name) => [name, name]), levels[chosen()], (level) => stage.note({ level }));
    stage.view.append(h("div", { class: "row" }, h("span", { class: "soft" }, "Save what is drawn of"), choice));
  }
  stage.view.append(
    keep(stage, { image: () => answer.again[chosen()].image, question: () => ({ image: stage.image, level: levels[chosen()] }) }),
    strip(stage, "Another image", stage.image, (image) => go({ image })),
  );
}
