// What pointers, wheels and keys do to a plane.

import { words } from "./colours.js";

const STILL = 5; // px that a click may move
const STEP = 40; // px that a key moves

export class Hands {
  constructor(plane) {
    Object.assign(this, { plane, fingers: new Map(), began: null, path: [], last: null });
    const canvas = plane.over;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.leave(event));
    canvas.addEventListener("pointerleave", () => this.fingers.size || this.point(null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  down(event) {
    if (event.button !== 0) return;
    this.plane.over.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.began = this.fingers.size === 1 ? [event.offsetX, event.offsetY] : null; // where a click began
    this.path = this.plane.mode !== "pan" && this.began ? [this.began] : [];
  }

  move(event) {
    const at = [event.offsetX, event.offsetY];
    const before = this.fingers.get(event.pointerId);
    if (!before) return this.point(at);
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, at);
    if (this.began && Math.hypot(at[0] - this.began[0], at[1] - this.began[1]) > STILL) this.began = null; // no click
    if (other) {
      const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
      this.plane.zoom(apart(at) / apart(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    } else if (this.plane.mode === "pan") this.plane.shift(at[0] - before[0], at[1] - before[1]);
    else if (this.path.length) {
      if (this.plane.mode === "box") this.path = [this.path[0], at];
      else this.path.push(at);
      this.plane.later(2);
    }
  }

  up(event) {
    const at = [event.offsetX, event.offsetY];
    const { began, path } = this;
    this.leave(event);
    if (began) this.click(at);
    else if (path.length > 1) this.plane.choose(this.plane.mode === "box" ? this.boxed(path) : this.inside(path), event.shiftKey ? "more" : event.altKey ? "less" : "only");
  }

  leave(event) {
    this.fingers.delete(event.pointerId);
    Object.assign(this, { began: null, path: [] });
    this.plane.later(2);
  }

  /** Opens what is there; beside the points, lets the chosen ones go. */
  click(at) {
    const found = this.plane.nearest(...at);
    if (found >= 0) this.plane.open(this.plane.rows[found]);
    else if (this.plane.some) this.plane.choose([]);
  }

  boxed([[x, y], [right, low]]) {
    const found = [];
    this.plane.eachInView((i, px, py) => {
      if ((px - x) * (px - right) <= 0 && (py - y) * (py - low) <= 0) found.push(i);
    });
    return found;
  }

  /** The points within a path: it is filled, and each looks at its pixel. */
  inside(path) {
    const sizes = [this.plane.width, this.plane.height];
    const [left, top] = sizes.map((size, side) => Math.max(0, Math.floor(path.reduce((least, at) => Math.min(least, at[side]), size))));
    const [right, low] = sizes.map((size, side) => Math.min(size, Math.ceil(path.reduce((most, at) => Math.max(most, at[side]), 0))));
    const [width, height] = [Math.ceil(right - left) + 1, Math.ceil(low - top) + 1];
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.fill(new Path2D(`M${path.map(([x, y]) => `${x - left} ${y - top}`).join("L")}Z`));
    const { data } = context.getImageData(0, 0, width, height);
    const found = [];
    this.plane.eachInView((i, px, py) => {
      const [x, y] = [Math.floor(px) - left, Math.floor(py) - top];
      if (x >= 0 && y >= 0 && x < width && y < height && data[4 * (y * width + x) + 3] > 127) found.push(i);
    });
    return found;
  }

  wheel(event) {
    event.preventDefault();
    this.plane.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }

  key(event) {
    const { plane } = this;
    const [dx, dy] = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key] ?? [0, 0];
    const middle = () => plane.nearest(plane.width / 2, plane.height / 2, 1e6);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (dx || dy) plane.shift(dx, dy);
    else if (event.key === "+" || event.key === "=") plane.zoom(1.4);
    else if (event.key === "-") plane.zoom(1 / 1.4);
    else if (event.key === "Escape") plane.choose([]);
    else if (event.key === " " && middle() >= 0) plane.choose([middle()], plane.chosen[middle()] ? "less" : "more");
    else if (event.key === "Enter" && middle() >= 0) return plane.open(plane.rows[middle()]);
    else return;
    event.preventDefault();
    plane.point(middle());
  }

  /** Looks at what is there once a frame, however often the pointer tells of itself. */
  point(at) {
    this.last = at;
    this.pointing = true;
    this.plane.later(2);
  }

  settle() {
    if (!this.pointing) return;
    this.pointing = false;
    this.plane.point(this.last ? this.plane.nearest(...this.last) : -1);
  }

  draw(context, colours) {
    if (this.path.length < 2) return;
    const [[x, y], [right, low]] = this.path;
    Object.assign(context, { strokeStyle: words(colours.accent), lineWidth: 2 });
    if (this.plane.mode === "box") return context.strokeRect(x, y, right - x, low - y);
    context.beginPath();
    for (const at of this.path) context.lineTo(...at);
    context.stroke();
  }
}
