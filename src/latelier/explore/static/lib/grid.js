// Points in the plane by cells of a grid: those near a place are found without looking at all.

export class Grid {
  /** `place` is x and y of each point in turn, all within [-1, 1]. */
  constructor(place) {
    const count = place.length / 2;
    this.place = place;
    this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(count / 2))));
    this.starts = new Int32Array(this.side * this.side + 1);
    const cells = new Int32Array(count);
    for (let i = 0; i < count; i += 1) {
      cells[i] = this.cell(place[2 * i + 1]) * this.side + this.cell(place[2 * i]);
      this.starts[cells[i] + 1] += 1;
    }
    for (let cell = 0; cell < this.side * this.side; cell += 1) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.points = new Int32Array(count);
    for (let i = 0; i < count; i += 1) this.points[next[cells[i]]++] = i;
  }

  /** The row or column that a coordinate lies in. */
  cell(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((value + 1) / 2) * this.side)));
  }

  /** Calls `visit` for each point in the cells that a rectangle touches. */
  within(left, low, right, high, visit) {
    const [first, last] = [this.cell(left), this.cell(right)];
    for (let row = this.cell(low); row <= this.cell(high); row += 1) {
      const end = this.starts[row * this.side + last + 1];
      for (let at = this.starts[row * this.side + first]; at < end; at += 1) visit(this.points[at]);
    }
  }

  /** The point nearest to a place, of those that `shown` says may be, within a distance; or -1. */
  nearest(x, y, within, shown) {
    let [best, found] = [within * within, -1];
    this.within(x - within, y - within, x + within, y + within, (i) => {
      const away = (this.place[2 * i] - x) ** 2 + (this.place[2 * i + 1] - y) ** 2;
      if (away < best && shown(i)) [best, found] = [away, i];
    });
    return found;
  }
}
