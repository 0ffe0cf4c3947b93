// Scores as bars beside their baselines.

import { h } from "./dom.js";

function bar(share) {
  const element = h("div", { class: "bar", "aria-hidden": "true" });
  element.style.width = `${100 * share}%`;
  return element;
}

/** One score: a table whose numbers are drawn as bars, too. */
export function headline({ name, unit, note, bars }) {
  const title = unit ? `${name}, ${unit}` : name;
  const rows = bars.map((row) => h("tr", { class: row.own ? "own" : undefined }, h("th", { scope: "row" }, row.label), h("td", { class: "number" }, row.said), h("td", {}, bar(row.share))));
  return h("section", {}, h("h3", {}, title), h("table", { class: "bars", "aria-label": title }, h("tbody", {}, rows)), note && h("p", { class: "soft" }, note));
}

/** The run's own value of a score, beside those of others, in one line. */
export function line({ name, unit, bars }) {
  const [own, ...others] = [...bars].sort((a, b) => b.own - a.own);
  return h("div", {}, h("dt", {}, unit ? `${name}, ${unit}` : name), h("dd", {}, h("b", {}, own.said), h("small", {}, others.map((one) => ` ${one.label} ${one.said}`).join(";"))));
}
