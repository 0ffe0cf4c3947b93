// Two runs on the same image and the same controls. Each side asks its own run's panels.

import { fill, h, segments } from "../lib/dom.js";
import { figure } from "../lib/picture.js";
import { ask, Newest } from "../lib/server.js";
import { slider } from "../lib/slider.js";
import { keep } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { go } from "../lib/address.js";

const WAYS = { reconstruct: "Reconstruct", interpolate: "Interpolate", edit: "Edit" };

export async function mount(stage) {
  stage.wide();
  const same = stage.site.runs.filter((run) => run.id !== stage.run.id && (run.source === stage.run.source || stage.picture.startsWith("u")));
  const able = same.filter((run) => run.panels.includes("reconstruct"));
  if (!able.length) {
    const why = same.length
      ? "No other run of this page draws images of codes, so that nothing can stand beside this one's."
      : `No other run of this page shows the same images (${stage.run.source}). Start the explorer with --data SRC, or drop in an image of your own, which all runs see.`;
    stage.view.append(h("p", { class: "card" }, why));
    return;
  }
  const other = able.find((run) => run.id === stage.get("with")) ?? able[0];
  const choice = h("select", { id: "with", onchange: () => go({ with: choice.value }) }, able.map((run) => h("option", { value: run.id }, run.title)));
  choice.value = other.id;
  const runs = [stage.run, other];
  const sides = runs.map((run) => figure(run, "", run.title, { alt: `${run.title}: what it draws` }));
  const controls = h("div", { class: "side" });
  const answers = h("div", { class: "two" }, sides.map((side) => side.element));
  const ways = Object.entries(WAYS).filter(([panel]) => runs.every((run) => run.panels.includes(panel)));
  const way = ways.some(([panel]) => panel === stage.get("way")) ? stage.get("way") : ways[0][0];
  const fail = (error) => stage.fail(error);

  /** Both runs, each asked the newest only. */
  function both(panel, action, show) {
    const asking = runs.map((run, i) => new Newest((question) => ask(run.id, panel, action, question), (answer) => stage.open && show(answer, i), fail));
    return (question) => asking.forEach((one) => one.ask(question));
  }

  function reconstruct() {
    both("reconstruct", "show", (answer, i) => sides[i].show(answer.again[0].picture, [h("b", {}, runs[i].title), ` (${runs[i].model})`, h("br"), `${answer.again[0].psnr}, ${answer.again[0].numbers.toLocaleString("en")} numbers`]))({ picture: stage.picture });
  }

  function interpolate() {
    const row = Number(/^d(\d+)$/.exec(stage.picture)?.[1] ?? 0);
    let to = stage.get("to") || `d${(row + 1) % stage.run.count}`;
    const draw = both("interpolate", "at", (answer, i) => sides[i].show(answer.picture, [h("b", {}, runs[i].title), ` (${runs[i].model})`]));
    const share = slider({ name: "From the working image to the other", low: 0, high: 1, step: 0.01, value: Number(stage.get("x") || 0.5), home: 0 }, (x) => moved(x));
    const moved = (x) => {
      stage.note({ x, to });
      draw({ pictures: [stage.picture, to], x });
    };
    controls.append(share.element, strip(stage, "The other image", to, (id) => ((to = id), moved(share.value))));
    moved(share.value);
  }

  async function edit() {
    const known = await Promise.all(runs.map((run) => ask(run.id, "edit", "attributes", {}).catch(fail)));
    if (!stage.open || known.some((one) => !one)) return;
    const names = known[0].attributes.filter((name) => known[1].attributes.includes(name));
    if (!names.length) return fill(controls, h("p", { class: "card" }, "These two runs have learned no attribute in common."));
    const by = {};
    const draw = both("edit", "move", (answer, i) => sides[i].show(answer.picture, [h("b", {}, runs[i].title), ` (${runs[i].model})`]));
    const moved = (name, value) => {
      by[name] = value;
      stage.note({ by: JSON.stringify(by) });
      draw({ picture: stage.picture, by });
    };
    try {
      Object.assign(by, Object.fromEntries(Object.entries(JSON.parse(stage.get("by") || "{}")).filter(([name]) => names.includes(name))));
    } catch {
      stage.note({ by: "" });
    }
    controls.append(h("div", { class: "sliders" }, names.map((name) => slider({ name, low: -10, high: 10, step: 0.25, value: Number(by[name]) || 0, home: 0 }, (value) => moved(name, value)).element)));
    draw({ picture: stage.picture, by });
  }

  stage.view.append(
    h("div", { class: "row" }, h("label", { for: "with" }, "Beside"), choice, segments("What both do", ways, way, (panel) => go({ way: panel }))),
    answers, controls,
    keep(stage, { question: () => ({ folder: other.folder }), action: "command" }),
    strip(stage, "Another image", stage.picture, (picture) => go({ picture })),
  );
  ({ reconstruct, interpolate, edit })[way]();
}
