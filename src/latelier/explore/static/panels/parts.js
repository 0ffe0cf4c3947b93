// Where each part occurs, what it looks like elsewhere, and the same part taken from another image.

import { button, fill, h, percent, said } from "../lib/dom.js";
import { address, figure, image } from "../lib/image.js";
import { keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";

export async function mount(stage) {
  const big = figure(stage.run, "", "", { alt: "The image, dark where the part does not occur", big: true });
  const [, height, width] = stage.run.image;
  const veil = h("canvas", { width, height, class: "crisp", "aria-hidden": "true" });
  const list = h("div", { class: "list", role: "group", "aria-label": "Parts" });
  const pair = h("div", { class: "figures three" });
  let shown = "";
  let part = Number(stage.get("part") || -1);
  let other = stage.get("other") || `d${(Number(stage.image.slice(1)) + 1) % stage.run.count || 0}`;
  stage.body.classList.add("split"); // on a narrow screen the list comes before what is drawn of a part
  stage.view.append(big.element);
  veil.classList.add("cells");
  big.frame.append(veil);

  const [parts, where] = await Promise.all([stage.ask("list", {}, "parts", "Looking for parts in images of the data"), stage.ask("where", { image: stage.image })]);
  if (!parts || !where) return fill(list, stage.again());
  if (!parts.parts.some((one) => one.part === part)) part = parts.parts[0].part;

  function overlay() {
    const rows = where.occurrence[part];
    const context = veil.getContext("2d");
    context.clearRect(0, 0, width, height);
    let peak = 0;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const p = rows[Math.floor((y * rows.length) / height)][Math.floor((x * rows[0].length) / width)];
        peak = Math.max(peak, p);
        context.fillStyle = `rgb(20 18 16 / ${0.8 * (1 - p)})`;
        context.fillRect(x, y, 1, 1);
      }
    }
    big.show(address(stage.run, stage.image), [h("b", {}, `part ${part}`), `, most probable here with ${said(peak)}; the image is bright where it occurs`]);
  }

  const draw = stage.newest("swap", (answer) => {
    shown = answer.image;
    fill(pair,
      figure(stage.run, answer.before, "drawn of its code").element,
      figure(stage.run, address(stage.run, other), "appearance from").element,
      figure(stage.run, answer.image, [h("b", {}, `part ${part} swapped`), h("br"), `greatest change ${said(answer.change)}`], { alt: `part ${part} swapped` }).element);
  });
  const question = () => ({ image: stage.image, other, part });

  function choose(next) {
    part = next;
    for (const row of list.children) row.setAttribute("aria-pressed", String(Number(row.dataset.part) === part));
    stage.note({ part, other });
    overlay();
    draw(question());
  }

  fill(list, parts.parts.map((one) =>
    button([h("span", {}, h("b", {}, `part ${one.part}`), h("br"), h("small", { class: "soft" }, `in ${percent(one.share)}`)), h("div", {}, one.crops.map((crop) => image(stage.run, crop, "")))],
      () => choose(one.part), { class: "part", pressed: one.part === part, "data-part": one.part, "aria-label": `part ${one.part}, in ${percent(one.share)} of the images` })));
  stage.side.append(h("section", {}, h("h2", {}, `Parts, and where each is most probable in ${parts.seen} images`), list));
  stage.view.append(
    h("div", { class: "view later" },
      h("section", {}, h("h2", {}, "The same part as in another image"), pair),
      strip(stage, "Take its appearance from", other, (id) => {
        other = id;
        choose(part);
      }),
      keep(stage, { image: () => shown, question })),
  );
  choose(part);
}
