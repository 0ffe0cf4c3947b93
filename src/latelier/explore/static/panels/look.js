// The gallery: pages of images, by class, those nearest to one; and a file of one's own.

import { button, fill, h, said } from "../lib/dom.js";
import { address, thumb } from "../lib/picture.js";
import { go } from "../lib/address.js";

const PAGE = 48;

export function mount(stage) {
  stage.wide();
  const file = h("input", { type: "file", accept: "image/*", class: "hidden", onchange: () => file.files.length && dispatchEvent(new CustomEvent("latelier-file", { detail: file.files[0] })) });
  const classes = h("select", { "aria-label": "Class", hidden: true, onchange: () => go({ label: classes.value, start: "", near: "" }) });
  const near = button("Nearest by code", () => go({ near: stage.get("near") ? "" : "1" }), { pressed: Boolean(stage.get("near")), hidden: true });
  const words = h("p", { class: "soft" });
  const gallery = h("div", { class: "gallery", role: "group", "aria-label": "Pictures" });
  const pages = h("div", { class: "row" });
  const onward = h("div", { class: "row" });
  stage.view.append(h("div", { class: "row" }, h("label", { class: "button" }, "Open an image of your own", file), classes, near), onward, words, gallery, pages);

  for (const panel of stage.run.panels.filter((name) => !["look", "map", "compare"].includes(name)).slice(0, 4)) {
    onward.append(button(stage.site.panels[panel].title, () => go({ panel })));
  }
  onward.prepend(h("span", { class: "soft" }, "Work on the chosen image:"));

  const choose = (picture) => go({ picture: picture.id });
  const shown = (pictures) => fill(gallery, pictures.map((one) => thumb(stage.run, one, one.id === stage.picture, () => choose(one))));

  async function page() {
    const turned = stage.get("of") === stage.picture ? Number(stage.get("start")) || 0 : undefined; // a page is turned to until another image is chosen
    const answer = await stage.ask("page", { start: turned, picture: stage.picture, count: PAGE, label: stage.get("label") });
    if (!answer) return;
    near.hidden = !answer.search;
    classes.hidden = answer.classes.length === 0;
    fill(classes, h("option", { value: "" }, "all classes"), answer.classes.map((name) => h("option", { value: name }, name)));
    classes.value = answer.unknown ? "" : stage.get("label");
    if (stage.get("near") && answer.search) return nearest();
    const mine = stage.own.map((id) => ({ id, caption: "your image" }));
    shown(answer.start ? answer.pictures : [...mine, ...answer.pictures]);
    const end = answer.start + answer.pictures.length;
    const to = (place) => () => go({ start: Math.max(0, place), of: stage.picture });
    fill(words, answer.total ? `Images ${answer.start + 1} to ${end} of ${answer.total.toLocaleString("en")}.` : answer.unknown ? `No class "${stage.get("label")}" is here: choose another, or all.` : "There are no images of this class.");
    fill(pages, button("Earlier", to(answer.start - PAGE), { disabled: answer.start === 0 }), button("Later", to(answer.start + PAGE), { disabled: end >= answer.total }));
  }

  async function nearest() {
    const answer = await stage.ask("near", { picture: stage.picture, count: PAGE });
    if (!answer) return;
    fill(words, "Images whose codes are nearest to the working image's, nearest first, with their distance.");
    shown([{ id: stage.picture, caption: "the working image" }, ...answer.pictures.map((one) => ({ ...one, note: said(one.distance) }))]);
    fill(pages);
  }

  page();
}
