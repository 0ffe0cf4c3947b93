// Accuracy over the number of labels, as a drawing with words.

import { h, percent, svg } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, BELOW] = [280, 150, 36, 22];

/** Points {labels, accuracy}, and what they were measured on: {on, chance}. */
export function curve(points, { on, chance }) {
  if (!points.length) return [h("p", { class: "soft" }, "Label two images of each of two classes or more to see what a classifier learns of them.")];
  const last = points[points.length - 1];
  const most = Math.max(last.labels, 10);
  const x = (labels) => LEFT + (labels / most) * (WIDTH - LEFT - 8);
  const y = (share) => 6 + (1 - share) * (HEIGHT - BELOW - 6);
  const line = points.map(({ labels, accuracy }) => `${x(labels).toFixed(1)},${y(accuracy).toFixed(1)}`).join(" ");
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", "aria-label": `Accuracy over labels: ${points.map((one) => `${percent(one.accuracy)} after ${one.labels}`).join(", ")}` });
  for (const share of [0, 0.5, 1]) {
    drawn.append(svg("line", { x1: LEFT, x2: WIDTH - 8, y1: y(share), y2: y(share), class: "rule" }), svg("text", { x: LEFT - 5, y: y(share) + 4, class: "end" }, percent(share)));
  }
  drawn.append(
    svg("line", { x1: LEFT, x2: WIDTH - 8, y1: y(chance), y2: y(chance), class: "chance" }),
    svg("polyline", { points: line, class: "line" }),
    ...points.map(({ labels, accuracy }) => svg("circle", { cx: x(labels), cy: y(accuracy), r: 3, class: "dot" })),
    svg("text", { x: LEFT, y: HEIGHT - 6 }, "0"),
    svg("text", { x: WIDTH - 8, y: HEIGHT - 6, class: "end" }, `${most} labels`),
  );
  return [drawn, h("p", {}, h("b", {}, percent(last.accuracy)), ` right after ${last.labels} labels, measured on ${on}; always the largest class (dashed): ${percent(chance)}.`)];
}
