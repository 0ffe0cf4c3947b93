// Points on a canvas, which can be moved about, zoomed into, pointed at and drawn around. Whatever happens, the page is
// drawn once a frame.

import { words } from "./colours.js";
import { Grid } from "./grid.js";
import { Hands } from "./hands.js";
import { Raster } from "./raster.js";

export const HIDDEN = 65535; // the kind of a point that is not shown
const POINTS = 1;
const OVER = 2; // names, images, and what is drawn by hand
const NEAR = 14; // px within which a point is pointed at
const CLOSEST = 400;
const LONGEST = 24; // characters of a name
const GROUND = 0.85; // opacity of what is behind a name

export class Plane {
  /**
   * `points` and `over` are canvases, one on the other. `hover(row, x, y)` hears what is pointed at (null: nothing),
   * `lasso(rows)` an Int32Array of rows of the data whenever others are chosen, `open(row)` a click, `moved(at)` where
   * the plane is.
   */
  constructor(points, over, { hover, lasso, open, moved }) {
    Object.assign(this, { over, hover, lasso, open, moved, mode: "lasso", x: 0, y: 0, scale: 1, width: 1, height: 1 });
    Object.assign(this, { rows: new Int32Array(0), place: new Float32Array(0), kind: new Uint16Array(0), order: new Int32Array(0), chosen: new Uint8Array(0) });
    Object.assign(this, { some: 0, styles: [], names: [], named: true, thumbs: null, pointed: -1, due: 0, timer: 0 });
    this.raster = new Raster(points);
    this.context = over.getContext("2d");
    this.hands = new Hands(this);
  }

  /** Draws, as an address says or whole, and again whenever the place for it changes. */
  begin(at, stage) {
    const [x, y, scale] = at.split(",").map(Number);
    if (scale > 0) Object.assign(this, { x, y, scale });
    const observer = new ResizeObserver(() => (stage.open ? this.resized() : observer.disconnect()));
    observer.observe(this.over);
    this.resized();
  }

  /** Puts points there: rows of the data, and x and y of each in turn. */
  put(rows, place) {
    if (rows.length !== this.rows.length) Object.assign(this, { kind: new Uint16Array(rows.length), chosen: new Uint8Array(rows.length), some: 0 });
    Object.assign(this, { rows, place, grid: new Grid(place), pointed: -1 });
    if (this.order.length !== rows.length) this.order = Int32Array.from(rows.keys());
    this.seen();
  }

  /** Each point's kind, a number among `styles`; the order in which they are drawn; names at places. */
  dress({ kind, styles, order, names }) {
    Object.assign(this, { kind, styles, order, names });
    this.later(POINTS | OVER);
    this.thumbs?.later(this);
  }

  /** The colours of the page around it. */
  scheme(colours) {
    this.colours = colours;
    this.later(POINTS | OVER);
  }

  /** x, y in the middle, and how many px 1 is. */
  view() {
    return { x: this.x, y: this.y, unit: 0.46 * Math.min(this.width, this.height) * this.scale };
  }

  /** Where a point is, in px of the page. */
  where(i) {
    const { x, y, unit } = this.view();
    return [this.width / 2 + (this.place[2 * i] - x) * unit, this.height / 2 - (this.place[2 * i + 1] - y) * unit];
  }

  colour(i) {
    return words(this.styles[this.kind[i]].colour);
  }

  visible(i) {
    return this.kind[i] !== HIDDEN;
  }

  radius() {
    return Math.min(6, Math.max(2, 60 / this.rows.length ** 0.5) * this.scale ** 0.3);
  }

  /** Calls `visit(i, x, y)` for each point that can be seen. */
  eachInView(visit) {
    if (!this.grid) return;
    const { x, y, unit } = this.view();
    const [across, up] = [this.width / 2 / unit, this.height / 2 / unit];
    this.grid.within(x - across, y - up, x + across, y + up, (i) => {
      const [dx, dy] = [this.place[2 * i] - x, this.place[2 * i + 1] - y];
      if (Math.abs(dx) <= across && Math.abs(dy) <= up && this.visible(i)) visit(i, this.width / 2 + dx * unit, this.height / 2 - dy * unit);
    });
  }

  /** The point nearest to a place on the page, or -1. */
  nearest(px, py, within = NEAR) {
    if (!this.grid) return -1;
    const { x, y, unit } = this.view();
    return this.grid.nearest(x + (px - this.width / 2) / unit, y - (py - this.height / 2) / unit, within / unit, (i) => this.visible(i));
  }

  /** Chooses points by number, in place of the others, beside them or ("less") out of them. */
  choose(points, how = "only") {
    if (how === "only") this.chosen.fill(0);
    for (const i of points) this.chosen[i] = how === "less" ? 0 : 1;
    this.some = this.chosen.reduce((sum, one) => sum + one, 0);
    this.later(POINTS | OVER);
    this.lasso(this.rows.filter((_, i) => this.chosen[i]));
  }

  /** Chooses rows of the data. */
  select(rows) {
    const wanted = new Set(rows);
    const points = [];
    this.rows.forEach((row, i) => wanted.has(row) && points.push(i));
    this.choose(points);
  }

  point(i) {
    if (i === this.pointed && i < 0) return;
    this.pointed = i;
    this.later(OVER);
    if (i < 0) this.hover(null);
    else this.hover(this.rows[i], ...this.where(i));
  }

  shift(dx, dy) {
    const { unit } = this.view();
    Object.assign(this, { x: this.x - dx / unit, y: this.y + dy / unit });
    this.seen();
  }

  /** Nearer or farther; the place at (x, y) px stays where it is. */
  zoom(by, x = this.width / 2, y = this.height / 2) {
    const before = this.view().unit;
    this.scale = Math.min(CLOSEST, Math.max(0.5, this.scale * by));
    const away = 1 / before - 1 / this.view().unit;
    Object.assign(this, { x: this.x + (x - this.width / 2) * away, y: this.y - (y - this.height / 2) * away });
    this.seen();
  }

  home() {
    Object.assign(this, { x: 0, y: 0, scale: 1 });
    this.seen();
  }

  seen() {
    this.moved([this.x, this.y, this.scale].map((value) => value.toFixed(4)).join(","));
    this.later(POINTS | OVER);
    this.thumbs?.later(this);
  }

  resized() {
    Object.assign(this, { width: this.over.clientWidth, height: this.over.clientHeight });
    this.raster.resize(this.width, this.height);
    const fine = devicePixelRatio || 1;
    Object.assign(this.over, { width: Math.round(this.width * fine), height: Math.round(this.height * fine) });
    this.context.setTransform(fine, 0, 0, fine, 0, 0);
    this.later(POINTS | OVER);
    this.thumbs?.later(this);
  }

  later(what) {
    this.due |= what;
    this.timer ||= requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.hands.settle();
    const { due } = this;
    Object.assign(this, { due: 0, timer: 0 });
    if (due & POINTS && this.styles.length) this.raster.draw(this, this.styles, this.colours.ground, this.view(), this.radius());
    this.context.clearRect(0, 0, this.width, this.height);
    if (!this.styles.length) return;
    this.thumbs?.draw(this.context, this);
    if (this.named) this.name();
    if (this.pointed >= 0) this.ring();
    this.hands.draw(this.context, this.colours);
  }

  ring() {
    const [x, y] = this.where(this.pointed);
    this.context.beginPath();
    this.context.arc(x, y, this.radius() + 4, 0, 2 * Math.PI);
    Object.assign(this.context, { strokeStyle: words(this.colours.accent), lineWidth: 2.5 });
    this.context.stroke();
  }

  /** Writes names where their points are, the first ones first, those that would lie on others not. */
  name() {
    const { context, colours } = this;
    const { x, y, unit } = this.view();
    const taken = [];
    Object.assign(context, { font: "600 13px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    for (const one of this.names) {
      const [at, py] = [this.width / 2 + (one.x - x) * unit, this.height / 2 - (one.y - y) * unit];
      if (at < 0 || py < 0 || at > this.width || py > this.height) continue;
      const text = one.text.length > LONGEST ? `${one.text.slice(0, LONGEST - 1)}\u2026` : one.text;
      const half = context.measureText(text).width / 2 + 5;
      const px = Math.min(Math.max(at, half), Math.max(half, this.width - half)); // whole, also at an edge
      if (taken.some((other) => Math.abs(other.px - px) < other.half + half && Math.abs(other.py - py) < 17)) continue;
      taken.push({ px, py, half });
      Object.assign(context, { fillStyle: words(colours.ground), globalAlpha: GROUND }); // also on images
      context.fillRect(px - half, py - 9, 2 * half, 18);
      Object.assign(context, { fillStyle: words(colours.ink), globalAlpha: 1 });
      context.fillText(text, px, py);
    }
  }
}
