// Many points on a canvas, each stamped into one image: no path, no style and no blending for each of them.

import { mixed, packed } from "./colours.js";

const FADED = 0.8; // share of the ground in points that are not chosen
const FINE = 4; // samples, across and down, by which a pixel at an edge is measured
const PIXELS = 4e6; // of the image at most; finer screens magnify it
const MARGIN = 16; // px around the image, in which the points at its edge end

const INSIDE = {
  disc: (x, y) => x * x + y * y <= 1,
  ring: (x, y) => x * x + y * y <= 1 && x * x + y * y >= 0.25,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.88,
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.25,
  triangle: (x, y) => y <= 0.8 && Math.abs(x) <= 0.58 * (y + 1.2),
  down: (x, y) => y >= -0.8 && Math.abs(x) <= 0.58 * (1.2 - y),
  plus: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.4 && Math.max(Math.abs(x), Math.abs(y)) <= 1.15,
  cross: (x, y) => INSIDE.plus((x + y) / Math.SQRT2, (x - y) / Math.SQRT2),
};

/** The share of each pixel around a point that its shape covers: [x, y, share] where it is any. */
function covered(shape, radius) {
  const found = [];
  const reach = Math.ceil(1.25 * radius);
  for (let y = -reach; y <= reach; y += 1) {
    for (let x = -reach; x <= reach; x += 1) {
      let hits = 0;
      for (let sample = 0; sample < FINE * FINE; sample += 1) {
        const [dx, dy] = [((sample % FINE) + 0.5) / FINE - 0.5, (Math.floor(sample / FINE) + 0.5) / FINE - 0.5];
        hits += INSIDE[shape]((x + dx) / radius, (y + dy) / radius);
      }
      if (hits > 0.15 * FINE * FINE) found.push([x, y, hits / (FINE * FINE)]);
    }
  }
  return found;
}

/** A small sample of a style, for a legend. */
export function swatch(style, ground) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 28, height: 28, className: "swatch" });
  const context = canvas.getContext("2d");
  for (const [x, y, share] of covered(style.shape, 10)) {
    context.fillStyle = `rgb(${mixed(ground, style.colour, share).join(" ")})`;
    context.fillRect(14 + x, 14 + y, 1, 1);
  }
  return canvas;
}

export class Raster {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.stamps = { key: "", sharp: [], faded: [] };
  }

  /** For this many px of the page. */
  resize(width, height) {
    this.fine = Math.min(devicePixelRatio || 1, Math.sqrt(PIXELS / Math.max(1, width * height)));
    this.canvas.width = Math.max(1, Math.round(width * this.fine));
    this.canvas.height = Math.max(1, Math.round(height * this.fine));
    this.stride = this.canvas.width + 2 * MARGIN;
    this.image = new ImageData(this.stride, this.canvas.height + 2 * MARGIN);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** `view` has x, y (in the middle) and unit (px of the page for 1); `radius` is in px of the page. */
  draw({ place, kind, order, chosen, some }, styles, ground, view, radius) {
    const [sharp, faded] = this.prepared(styles, ground, Math.max(1, Math.min(MARGIN / 1.4, radius * this.fine)));
    this.pixels.fill(0);
    if (some) this.stamp(place, kind, order, view, faded, chosen, 0);
    this.stamp(place, kind, order, view, sharp, some ? chosen : null, 1);
    this.context.putImageData(this.image, -MARGIN, -MARGIN);
  }

  /** Those points whose `chosen` is `wanted`, or all. */
  stamp(place, kind, order, view, stamps, chosen, wanted) {
    const { pixels, stride } = this;
    const unit = view.unit * this.fine;
    const [width, height] = [this.canvas.width + 2 * MARGIN, this.canvas.height + 2 * MARGIN];
    const [left, top] = [width / 2 - view.x * unit, height / 2 + view.y * unit];
    const [right, bottom] = [width - MARGIN, height - MARGIN];
    for (let at = 0; at < order.length; at += 1) {
      const i = order[at];
      if (chosen !== null && chosen[i] !== wanted) continue;
      const stamp = stamps[kind[i]];
      if (stamp === undefined) continue; // hidden
      const x = Math.round(left + place[2 * i] * unit);
      const y = Math.round(top - place[2 * i + 1] * unit);
      if (x < MARGIN || y < MARGIN || x >= right || y >= bottom) continue;
      const { offsets, values } = stamp;
      const middle = y * stride + x;
      for (let one = 0; one < offsets.length; one += 1) pixels[middle + offsets[one]] = values[one];
    }
  }

  /** The stamps of each style, sharp and faded; they are made anew when anything about them has changed. */
  prepared(styles, ground, radius) {
    const key = `${radius.toFixed(1)} ${this.stride} ${ground}`;
    if (this.stamps.key !== key || this.stamps.styles !== styles) {
      const made = (share) => styles.map((style) => {
        const cover = covered(style.shape, Number(radius.toFixed(1)));
        const colour = mixed(style.colour, ground, share);
        return {
          offsets: Int32Array.from(cover, ([x, y]) => y * this.stride + x),
          values: Uint32Array.from(cover, ([, , part]) => packed(mixed(ground, colour, part))),
        };
      });
      this.stamps = { key, styles, both: [made(0), made(FADED)] };
    }
    return this.stamps.both;
  }
}
