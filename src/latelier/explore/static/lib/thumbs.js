// Small images in the place of points, where there is room for them.

const SIZE = 44; // px, the longer side
const CELL = 54; // px between two images at least, across or down
const ROOM = 700; // points in view up to which images are shown
const KEPT = 400; // loaded images
const PAUSE = 120; // ms without movement after which images are chosen

export class Thumbs {
  /** `source(row)` is an image's address; `changed` is called when there is something new to draw. */
  constructor(source, changed) {
    Object.assign(this, { source, changed, on: true, shown: [], loaded: new Map(), timer: 0 });
  }

  /** Chooses anew once the view has come to rest. */
  later(plane) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.choose(plane), PAUSE);
  }

  choose(plane) {
    const { unit } = plane.view();
    const cells = new Map(); // one image in each
    let count = 0;
    plane.eachInView((i, x, y) => {
      count += 1;
      if (count > ROOM) return;
      this.put(cells, { i, x: plane.place[2 * i] * unit, y: plane.place[2 * i + 1] * unit });
    });
    this.shown = this.on && count <= ROOM ? Array.from(cells.values(), ({ i }) => i) : [];
    for (const i of this.shown) this.load(plane.rows[i]);
    this.changed();
  }

  /** Into its cell, unless it would lie on one that is in the cells around. */
  put(cells, one) {
    const [across, up] = [Math.floor(one.x / CELL), Math.floor(one.y / CELL)];
    for (const dx of [-1, 0, 1]) {
      for (const dy of [-1, 0, 1]) {
        const other = cells.get(`${across + dx} ${up + dy}`);
        if (other && Math.abs(other.x - one.x) < CELL && Math.abs(other.y - one.y) < CELL) return;
      }
    }
    cells.set(`${across} ${up}`, one);
  }

  load(row) {
    if (this.loaded.has(row)) return;
    const image = new Image();
    image.onload = () => this.changed();
    image.src = this.source(row);
    this.loaded.set(row, image);
    if (this.loaded.size > KEPT) this.loaded.delete(this.loaded.keys().next().value);
  }

  draw(context, plane) {
    for (const i of this.shown) {
      const image = this.loaded.get(plane.rows[i]);
      if (!plane.visible(i) || !image?.complete || !image.naturalWidth) continue;
      const [x, y] = plane.where(i);
      const scale = SIZE / Math.max(image.naturalWidth, image.naturalHeight);
      const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
      context.imageSmoothingEnabled = scale < 1;
      context.fillStyle = plane.colour(i);
      context.fillRect(x - width / 2 - 2, y - height / 2 - 2, width + 4, height + 4);
      context.drawImage(image, x - width / 2, y - height / 2, width, height);
    }
  }
}
