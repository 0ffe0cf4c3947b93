// The codes of all images in the plane: placed and coloured in several ways, hovered, zoomed, and selected from.

import { button, fill, h, segments } from "../lib/dom.js";
import { go } from "../lib/address.js";
import { scheme } from "../lib/colours.js";
import { byClass, byNumber } from "../lib/dress.js";
import { keep } from "../lib/keep.js";
import * as legend from "../lib/legend.js";
import { address, image, thumb } from "../lib/image.js";
import { Plane } from "../lib/plane.js";
import { keepRows } from "../lib/selection.js";
import { ask, Newest, table } from "../lib/server.js";
import { Thumbs } from "../lib/thumbs.js";

export const works = false;
export const keys = [["arrows", "on the map: move"], ["+ or \u2212", "on the map: zoom"], ["Space", "selects the image in the middle"], ["Enter", "opens the image in the middle"]];
const SHOWN = 24; // of a selection's images
const NOTHING = "Nothing is selected. Draw around points to select them; with Shift to add, with Alt to take away.";

export async function mount(stage) {
  const summary = await stage.ask("about", {});
  const rows = summary && (await table(stage.run.id, "map", "rows").catch((error) => stage.fail(error)));
  if (!rows || !stage.open) return;
  stage.body.classList.add("fills");
  const map = new View(stage, summary, rows);
  await Promise.all([map.place(stage.get("way") || "pca"), map.colour(stage.get("colour") || summary.columns[0].name)]);
}

class View {
  constructor(stage, summary, rows) {
    Object.assign(this, { stage, summary, rows, hidden: new Set(), captions: new Map(), begun: false });
    this.canvas = h("canvas", { class: "plane", tabindex: "0", role: "application", "aria-label": `Map of ${summary.count} images. Arrow keys move, plus and minus zoom, Space selects the image in the middle, Enter opens it.` });
    const points = h("canvas", { "aria-hidden": "true" });
    this.plane = new Plane(points, this.canvas, {
      hover: (row, x, y) => this.hover(row, x, y),
      lasso: (chosen) => this.lasso(chosen),
      open: (row) => go({ panel: stage.run.panels.includes("reconstruct") ? "reconstruct" : "look", image: `d${row}` }),
      moved: (at) => stage.note({ at }),
    });
    this.plane.thumbs = new Thumbs((row) => address(stage.run, `d${row}`), () => this.plane.later(2));
    this.about = new Newest((row) => ask(stage.run.id, "look", "about", { image: `d${row}` }), (answer, row) => this.captioned(row, answer.caption), () => {});
    this.lay(points);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => (stage.open ? this.dress() : dark.removeEventListener("change", repaint));
    dark.addEventListener("change", repaint);
  }

  lay(points) {
    const { plane, stage, summary } = this;
    this.tip = h("div", { class: "tip", hidden: true });
    this.words = h("p", { "aria-live": "polite" }, NOTHING);
    this.gallery = h("div", { class: "gallery" });
    this.meaning = h("p", { class: "soft" });
    this.progress = h("p", { class: "soft", role: "status", hidden: true });
    this.key = h("div");
    this.ways = h("select", { id: "way", onchange: () => this.place(this.ways.value) }, summary.ways.map(({ name, title, missing }) => h("option", { value: name, disabled: Boolean(missing) }, missing ? `${title} (not installed)` : title)));
    this.columns = h("select", { id: "colour", onchange: () => this.colour(this.columns.value) }, summary.columns.map(({ name, title }) => h("option", { value: name }, title)));
    const mode = segments("What dragging does", [["lasso", "Lasso"], ["box", "Box"], ["pan", "Move"]], plane.mode, (value) => (plane.mode = value));
    const zoom = [button("+", () => plane.zoom(1.4), { "aria-label": "Zoom in" }), button("\u2212", () => plane.zoom(1 / 1.4), { "aria-label": "Zoom out" }), button("All", () => plane.home())];
    const choice = (words, select) => h("label", { class: "choice", for: select.id }, words, select);
    const missing = summary.ways.map((way) => way.missing).filter(Boolean);
    stage.view.append(
      h("div", { class: "row" }, mode, ...zoom, this.toggle("Names", true, (on) => (plane.named = on)), this.toggle("Images", true, (on) => ((plane.thumbs.on = on), plane.thumbs.later(plane))), choice("Placed by", this.ways), this.progress),
      h("div", { class: "frame field" }, points, this.canvas, this.tip),
      this.meaning,
    );
    stage.side.append(
      h("section", { class: "colours" }, choice("Coloured by", this.columns), this.key),
      // The bar too: over the map it would move the points, and with them a box that is being drawn.
      h("section", { class: "side selected" }, h("h2", {}, "Selected"), this.words, stage.selection.element, this.gallery),
      keep(stage, { question: () => ({}), action: "command" }),
      h("p", { class: "soft" }, [...missing, summary.remark].filter(Boolean).join(". ")),
    );
  }

  toggle(words, on, turned) {
    const one = button(words, () => {
      on = !on;
      one.setAttribute("aria-pressed", String(on));
      turned(on);
      this.plane.later(2);
    }, { pressed: on });
    return one;
  }

  /** An answer that may take a while; null where another choice has overtaken it. */
  async slow(action, question, words, stoppable) {
    const stop = stoppable && button("Stop", () => ask(this.stage.run.id, "map", "stop", question).then(() => this.place("pca")));
    const still = () => this.stage.open && this.wanted[action] === question;
    this.wanted = { ...this.wanted, [action]: question };
    const waiting = (share) => {
      if (!still()) return;
      this.progress.hidden = false;
      fill(this.progress, `${words}: ${Math.round(100 * share)} %. `, stop);
    };
    try {
      const answer = await ask(this.stage.run.id, "map", action, question, waiting, still);
      return still() ? answer : null;
    } catch (error) {
      if (still()) this.stage.fail(error);
      return null;
    } finally {
      if (still()) this.progress.hidden = true;
    }
  }

  async place(way) {
    const { stage, plane } = this;
    if (!this.summary.ways.some((one) => one.name === way && !one.missing)) way = "pca";
    this.ways.value = way;
    if (way !== "pca" && !this.placed) await this.place("pca"); // at once, until the other is there
    this.ways.value = way;
    const answer = await this.slow("way", { way }, `Placing the codes by ${way === "pca" ? "principal components" : "t-SNE"}`, way !== "pca");
    const placed = answer && (await table(stage.run.id, "map", "place", { way }).catch((error) => stage.fail(error)));
    if (!placed || !stage.open) return;
    stage.note({ way: way === "pca" ? "" : way });
    this.placed = placed;
    fill(this.meaning, `Across and down: ${answer.said}; ${this.summary.said}.`);
    plane.put(this.rows, placed);
    this.dress();
    this.first();
  }

  async colour(name) {
    const { stage, summary } = this;
    if (!summary.columns.some((one) => one.name === name)) name = summary.columns[0].name;
    this.columns.value = name;
    const column = await this.slow("column", { name }, summary.columns.find((one) => one.name === name).title, false);
    const values = column && (await table(stage.run.id, "map", "values", { name }).catch((error) => stage.fail(error)));
    if (!values || !stage.open) return;
    stage.note({ colour: name === summary.columns[0].name ? "" : name });
    Object.assign(this, { column, values, hidden: new Set() });
    this.dress();
    this.first();
  }

  dress() {
    const { column, values, placed, plane, hidden } = this;
    if (!values || !placed) return;
    const colours = scheme(this.canvas);
    plane.scheme(colours);
    const numbers = column.kind === "number";
    const made = numbers ? byNumber(column, values, colours) : byClass(column, values, placed, colours, hidden);
    plane.dress(made);
    if (numbers) legend.ofNumbers(this.key, { ...column, ...made });
    else legend.ofClasses(this.key, { ...made, ground: colours.ground, hidden, changed: () => plane.dress(byClass(column, values, placed, colours, hidden)) });
  }

  /** Once there is something to see: as the address says. */
  first() {
    if (this.begun || !this.values || !this.placed) return;
    this.begun = true;
    this.plane.begin(this.stage.get("at"), this.stage);
    this.before();
  }

  /** Selects what the address names. */
  async before() {
    const selection = this.stage.get("selection");
    const rows = selection && (await table(this.stage.run.id, "look", "rows", { selection }).catch((error) => this.stage.fail(error)));
    if (!rows || !this.stage.open) return;
    const there = new Set(this.rows);
    this.plane.select(Array.from(rows).filter((row) => there.has(row)));
  }

  hover(row, x, y) {
    this.tip.hidden = row === null;
    this.hovered = row;
    if (row === null) return;
    fill(this.tip, image(this.stage.run, address(this.stage.run, `d${row}`), ""), h("span", {}, this.captions.get(row) ?? "\u2026"));
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, this.plane.width - 125))}px`;
    this.tip.style.top = `${Math.max(0, Math.min(y + 14, this.plane.height - 165))}px`;
    if (!this.captions.has(row)) this.about.ask(row);
  }

  captioned(row, words) {
    this.captions.set(row, words);
    if (this.hovered === row) fill(this.tip.querySelector("span"), words);
  }

  /** Hears an Int32Array of rows of the data: all that are selected now. */
  async lasso(rows) {
    fill(this.words, rows.length ? `${rows.length.toLocaleString("en")} images are selected.` : NOTHING);
    fill(this.gallery, Array.from(rows.slice(0, SHOWN), (row) => thumb(this.stage.run, { id: `d${row}`, caption: this.captions.get(row) ?? `image ${row}` }, false, () => go({ panel: "look", image: `d${row}` }))));
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const selection = await keepRows(this.stage, rows);
    if (this.turn === turn) this.stage.select(selection);
  }
}
