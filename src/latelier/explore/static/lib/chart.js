// Curves over the images seen, as SVG: training drawn through, validation dashed.

import { svg } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [440, 170, 56, 22, 8]; // px
const SETTLED = 0.03; // share of the images after which values count for the height: the first fall flattens the rest

/** A number of a log in few digits. */
function brief(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** `lines` are points [images seen, value] by "training" and "validation". */
export function chart(term, lines) {
  const every = Object.values(lines).flat();
  const right = Math.max(...every.map(([x]) => x));
  const settled = every.filter(([x]) => x >= SETTLED * right).map(([, y]) => y);
  const [low, high] = [Math.min(...settled), Math.max(...settled)];
  const x = (seen) => LEFT + ((WIDTH - 4 - LEFT) * seen) / (right || 1);
  const y = (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * Math.min(10, Math.max(-9, (value - low) / (high - low || 1)));
  const label = (words, left, top, anchor) => svg("text", { x: left, y: top, "text-anchor": anchor }, words);
  const ends = Object.entries(lines).map(([name, points]) => `${name} from ${brief(points[0][1])} to ${brief(points.at(-1)[1])}`);
  const inside = svg("svg", { x: LEFT, y: 0, width: WIDTH - LEFT, height: HEIGHT - BOTTOM + 1, viewBox: `${LEFT} 0 ${WIDTH - LEFT} ${HEIGHT - BOTTOM + 1}` });
  for (const [name, points] of Object.entries(lines)) {
    inside.append(svg("polyline", { class: name, points: points.map(([seen, value]) => `${x(seen).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  }
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${term} over the images seen: ${ends.join(", ")}` },
    svg("path", { d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 4}` }),
    label(brief(high), LEFT - 6, TOP + 8, "end"), label(brief(low), LEFT - 6, HEIGHT - BOTTOM, "end"),
    label("0", LEFT, HEIGHT - 5, "start"), label(`${right.toLocaleString("en")} images seen`, WIDTH - 4, HEIGHT - 5, "end"), inside);
}
