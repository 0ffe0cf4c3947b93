// Points on a canvas, which can be moved about, zoomed into, pointed at and drawn around.

const COLOURS = ["#3b75af", "#ef8636", "#519e3e", "#c53a32", "#8d69b8", "#84584e", "#d57dbe", "#7f7f7f", "#b8a52f", "#4bacc6"];
const UNKNOWN = "#9a958d";
const NEAR = 14; // px within which a point is pointed at

export class Plane {
  constructor(canvas, { points, label, classes }, { hover, lasso, open, moved }) {
    Object.assign(this, { canvas, points, label, classes, hover, lasso, open, moved, mode: "lasso" });
    Object.assign(this, { x: 0, y: 0, scale: 1, chosen: new Set(), path: [], fingers: new Map() });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** Draws, as an address says or whole, and again whenever the place for it changes. */
  begin(at, stage) {
    const [x, y, scale] = at.split(",").map(Number);
    if (scale > 0) Object.assign(this, { x, y, scale });
    const observer = new ResizeObserver(() => (stage.open ? this.draw() : observer.disconnect()));
    observer.observe(this.canvas);
  }

  /** The classes that occur, each with its colour. */
  present() {
    const numbers = [...new Set(this.label)].sort((a, b) => a - b);
    if (numbers.length < 2) return [];
    return numbers.slice(0, 40).map((number) => [this.classes[number] ?? "unknown", this.colour(number)]);
  }

  colour(number) {
    if (number < 0) return UNKNOWN;
    return this.classes.length <= COLOURS.length ? COLOURS[number] : `hsl(${(number * 137.5) % 360} 55% 52%)`;
  }

  /** Where a point is, in px of the page. */
  place([x, y]) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const unit = 0.46 * Math.min(width, height) * this.scale;
    return [width / 2 + (x - this.x) * unit, height / 2 - (y - this.y) * unit];
  }

  draw() {
    const { canvas } = this;
    const fine = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * fine;
    canvas.height = canvas.clientHeight * fine;
    const context = canvas.getContext("2d");
    context.scale(fine, fine);
    const radius = Math.min(6, Math.max(2, 60 / this.points.length ** 0.5) * this.scale ** 0.3);
    for (const [row, point] of this.points.entries()) {
      const [x, y] = this.place(point);
      context.globalAlpha = this.chosen.size && !this.chosen.has(row) ? 0.18 : 0.82;
      context.fillStyle = this.colour(this.label[row]);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.path.length > 1) {
      context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--accent");
      context.lineWidth = 2;
      context.stroke(new Path2D(`M${this.path.map((at) => at.join(" ")).join("L")}`));
    }
  }

  nearest(x, y, within) {
    let [best, row] = [within * within, null];
    for (const [number, point] of this.points.entries()) {
      const [px, py] = this.place(point);
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < best) [best, row] = [away, number];
    }
    return row;
  }

  select(rows) {
    this.chosen = new Set(rows);
    this.draw();
  }

  /** Of the points, those inside the path that was drawn. */
  inside() {
    const path = new Path2D(`M${this.path.map((at) => at.join(" ")).join("L")}Z`);
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    return [...this.points.keys()].filter((row) => context.isPointInPath(path, ...this.place(this.points[row])));
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.path = this.mode === "lasso" && this.fingers.size === 1 ? [[event.offsetX, event.offsetY]] : [];
  }

  move(event) {
    const at = [event.offsetX, event.offsetY];
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      const row = this.nearest(...at, NEAR);
      return this.hover(row, ...(row === null ? at : this.place(this.points[row])));
    }
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, at);
    if (other) this.zoom(Math.hypot(at[0] - other[0], at[1] - other[1]) / (Math.hypot(before[0] - other[0], before[1] - other[1]) || 1));
    else if (this.mode === "pan") this.shift(at[0] - before[0], at[1] - before[1]);
    else this.path.push(at);
    this.draw();
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    if (this.path.length > 2) {
      this.select(this.inside());
      this.lasso([...this.chosen]);
    }
    this.path = [];
    this.draw();
  }

  shift(dx, dy) {
    const unit = 0.46 * Math.min(this.canvas.clientWidth, this.canvas.clientHeight) * this.scale;
    Object.assign(this, { x: this.x - dx / unit, y: this.y + dy / unit });
    this.seen();
  }

  zoom(by) {
    this.scale = Math.min(60, Math.max(0.5, this.scale * by));
    this.seen();
  }

  home() {
    Object.assign(this, { x: 0, y: 0, scale: 1 });
    this.seen();
  }

  seen() {
    this.moved([this.x, this.y, this.scale].map((value) => value.toFixed(4)).join(","));
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [dx, dy] = [event.offsetX - width / 2, event.offsetY - height / 2];
    this.shift(-dx, -dy);
    this.zoom(Math.exp(-event.deltaY / 400));
    this.shift(dx, dy);
  }

  key(event) {
    const [dx, dy] = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key] ?? [0, 0];
    const middle = () => this.nearest(this.canvas.clientWidth / 2, this.canvas.clientHeight / 2, 1e6);
    if (dx || dy) this.shift(dx, dy);
    else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else if (event.key === "Enter") return this.open(middle());
    else return;
    event.preventDefault();
    const row = middle();
    this.hover(row, ...this.place(this.points[row]));
  }
}
