// Small pictures in the place of points, where there is room for them.

const SIZE = 44; // px a side
const CELL = 54; // px: one picture in each cell
const ROOM = 700; // points in view up to which pictures are shown
const KEPT = 400; // loaded pictures
const PAUSE = 120; // ms without movement after which pictures are chosen

export class Thumbs {
  /** `source(row)` is a picture's address; `changed` is called when there is something new to draw. */
  constructor(source, changed) {
    Object.assign(this, { source, changed, on: true, shown: [], loaded: new Map(), timer: 0 });
  }

  /** Chooses anew once the view has come to rest. */
  later(plane) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.choose(plane), PAUSE);
  }

  choose(plane) {
    const cells = new Map();
    let count = 0;
    plane.eachInView((i, x, y) => {
      count += 1;
      if (count > ROOM) return;
      const { unit } = plane.view();
      const cell = `${Math.floor((plane.place[2 * i] * unit) / CELL)} ${Math.floor((plane.place[2 * i + 1] * unit) / CELL)}`;
      if (!cells.has(cell)) cells.set(cell, i);
    });
    this.shown = this.on && count <= ROOM ? [...cells.values()] : [];
    for (const i of this.shown) this.load(plane.rows[i]);
    this.changed();
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
