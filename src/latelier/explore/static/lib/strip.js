// A row of images to choose from, wherever another image is needed.

import { button, fill, h } from "./dom.js";
import { thumb } from "./image.js";

const COUNT = 12;

/** `choose(id)` hears which; those of the user's own come first. */
export function strip(stage, title, chosen, choose) {
  const row = h("div", { class: "strip", role: "group", "aria-label": title });
  let start = Math.max(0, (/^d(\d+)$/.exec(chosen)?.[1] ?? 0) - 1);

  function one(shown) {
    return thumb(stage.run, shown, shown.id === chosen, () => {
      chosen = shown.id;
      for (const other of row.children) other.setAttribute("aria-pressed", String(other.dataset.id === chosen));
      choose(chosen);
    });
  }

  async function load() {
    const answer = await stage.ask("page", { start, count: COUNT, selection: stage.get("selection") }, "look");
    if (!answer) return;
    start = answer.start;
    const own = stage.own.map((id) => ({ id, caption: "your image" }));
    fill(row, [...own, ...answer.images].map(one));
  }

  const turn = (by) => {
    start = Math.min(Math.max(0, start + by), Math.max(0, stage.run.count - COUNT));
    load();
  };
  load();
  return h("section", {}, h("div", { class: "row" }, h("h2", {}, title), h("div", { class: "turns" }, button("\u2039", () => turn(-COUNT), { "aria-label": "Earlier images" }), button("\u203a", () => turn(COUNT), { "aria-label": "Later images" }))), row);
}
