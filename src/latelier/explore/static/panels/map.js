// The codes of all images in the plane: zoom, hover, and a lasso whose list can be taken along.

import { button, fill, h, segments } from "../lib/dom.js";
import { keep, save, written } from "../lib/keep.js";
import { Plane } from "../lib/plane.js";
import { address, image, thumb } from "../lib/picture.js";
import { go } from "../lib/address.js";

export const works = false;
export const keys = [["arrows", "on the map: move"], ["+ or \u2212", "on the map: zoom"], ["Enter", "opens the image in the middle"]];
const SHOWN = 24; // of a lasso's images

export async function mount(stage) {
  const answer = await stage.ask("points", {});
  if (!answer) return;
  const tip = h("div", { class: "tip", hidden: true });
  const canvas = h("canvas", { class: "plane", tabindex: "0", role: "application", "aria-label": `Map of ${answer.points.length} images. Arrow keys move, plus and minus zoom, Enter opens the picture in the middle.` });
  const plane = new Plane(canvas, answer, { hover, lasso, open: (row) => go({ panel: stage.run.panels.includes("reconstruct") ? "reconstruct" : "look", picture: `d${row}` }), moved: (at) => stage.note({ at }) });
  const words = h("p", { "aria-live": "polite" }, "Nothing is selected. Draw around points to select them.");
  const gallery = h("div", { class: "gallery" });
  let selected = [];

  function hover(row, x, y) {
    tip.hidden = row === null;
    if (row === null) return;
    const label = answer.classes[answer.label[row]] ?? "";
    fill(tip, image(stage.run, address(stage.run, `d${row}`), ""), h("span", {}, label ? `${label} (${answer.names[row]})` : answer.names[row]));
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - 110)}px`;
    tip.style.top = `${Math.max(0, Math.min(y + 14, canvas.clientHeight - 150))}px`;
  }

  function lasso(rows) {
    selected = rows;
    stage.note({ chosen: rows.length <= 200 ? rows.join(".") : "" });
    fill(words, rows.length ? `${rows.length.toLocaleString("en")} images are selected.` : "Nothing is selected. Draw around points to select them.");
    list.disabled = rows.length === 0;
    fill(gallery, rows.slice(0, SHOWN).map((row) => thumb(stage.run, { id: `d${row}`, caption: answer.classes[answer.label[row]] ?? answer.names[row] }, false, () => go({ panel: "look", picture: `d${row}` }))));
  }

  const list = button("Save the list (CSV)", () => {
    const armed = (text) => (/^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text); // no formula to a spreadsheet
    const cell = (text) => `"${armed(String(text)).replaceAll('"', '""')}"`;
    const lines = selected.map((row) => `${cell(answer.names[row])},${cell(answer.classes[answer.label[row]] ?? "")}`);
    save("selected.csv", written(`${["file,label", ...lines].join("\n")}\n`, "text/csv"));
  }, { disabled: true });
  const mode = segments("What dragging does", [["lasso", "Select"], ["pan", "Move"]], "lasso", (value) => (plane.mode = value));
  const zoom = h("div", { class: "row" }, mode, button("+", () => plane.zoom(1.4), { "aria-label": "Zoom in" }), button("\u2212", () => plane.zoom(1 / 1.4), { "aria-label": "Zoom out" }), button("All", () => plane.home()));
  const legend = h("div", { class: "legend" }, plane.present().map(([name, colour]) => {
    const dot = h("i");
    dot.style.background = colour;
    return h("span", {}, dot, name);
  }));
  stage.view.append(zoom, h("div", { class: "frame" }, canvas, tip), legend, h("p", { class: "soft" }, `Across and down: ${answer.said}. ${answer.remark}`));
  stage.side.append(h("section", { class: "side" }, h("h2", {}, "Selected"), words, h("div", { class: "row" }, list), gallery), keep(stage, { question: () => ({}), action: "command" }));
  plane.begin(stage.get("at"), stage);
  const before = stage.get("chosen").split(".").filter(Boolean).map(Number).filter((row) => row in answer.points);
  if (before.length) {
    plane.select(before);
    lasso(before);
  }
}
