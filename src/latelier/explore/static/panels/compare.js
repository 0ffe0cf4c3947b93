// Runs on the same image and the same controls. Each asks its own run's panels.

import { button, h, segments } from "../lib/dom.js";
import { figure } from "../lib/image.js";
import { ask, Newest } from "../lib/server.js";
import { asking, beside, title } from "../lib/beside.js";
import { worst } from "../lib/worst.js";
import { slider } from "../lib/slider.js";
import { json, keep, save } from "../lib/keep.js";
import { strip } from "../lib/strip.js";
import { go } from "../lib/address.js";

const WAYS = { reconstruct: "Reconstruct", interpolate: "Interpolate", edit: "Edit" };
const GAINS = [1, 4, 16];
const FIRST = 5; // others that are shown without being chosen

export async function mount(stage) {
  stage.wide();
  const others = stage.site.runs.filter((run) => run.id !== stage.run.id);
  const same = others.filter((run) => run.images === stage.run.images || stage.image.startsWith("u"));
  const able = same.filter((run) => run.panels.includes("reconstruct"));
  if (!able.length) return stage.view.append(h("p", { class: "card" }, lacking(stage, same)));
  const wanted = able.filter((run) => stage.get("with").split(".").includes(run.id));
  const runs = [stage.run, ...(wanted.length ? wanted : able.slice(0, FIRST))];
  const alike = runs.filter((run) => run.images === stage.run.images);
  const fits = (panel) => panel !== "interpolate" || alike.length === runs.length; // the other image is one of the data
  const ways = Object.entries(WAYS).filter(([panel]) => fits(panel) && runs.every((run) => run.panels.includes(panel)));
  const way = ways.some(([panel]) => panel === stage.get("way")) ? stage.get("way") : ways[0][0];
  const head = h("div", { class: "row apart" }, able.length > 1 ? choices(able, runs) : null, segments("What all do", ways, way, (panel) => go({ way: panel })));
  const place = h("div", { class: "view" });
  stage.view.append(head, place);
  const question = await { reconstruct, interpolate, edit }[way](stage, runs, place);
  if (!question) return;
  stage.view.append(taken(stage, runs, way, question));
  if (way === "reconstruct" && alike.length > 1) stage.view.append(worst(stage, alike));
  stage.view.append(strip(stage, "Another image", stage.image, (image) => go({ image })));
}

function lacking(stage, same) {
  return same.length
    ? "No other run of this page draws images of codes, so that nothing can stand beside this one's."
    : `No other run of this page shows the same images (${stage.run.source}). Start the explorer with --data SRC, or drop in an image of your own, which all runs see.`;
}

/** Switches: which other runs stand beside this one; one of them at least. */
function choices(able, runs) {
  const ids = runs.slice(1).map((run) => run.id);
  const turn = (id) => {
    const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
    if (next.length) go({ with: next.join(".") });
  };
  return h("div", { class: "segments", role: "group", "aria-label": "Runs beside this one" }, h("span", { class: "soft" }, "Beside"), able.map((run) => button(run.title, () => turn(run.id), { pressed: ids.includes(run.id) })));
}

/** Commands for what is seen: of each run the image it draws, then all scores; and the codes that they may read. */
function taken(stage, runs, way, question) {
  const codes = async () => {
    const answers = await Promise.all(runs.map((run) => asking(stage, run, way, "code", { ...question(), stem: run.id })));
    return answers.every(Boolean) ? answers : null;
  };
  const command = async () => {
    const [answers, scores] = [await codes(), await stage.ask("command", { folders: runs.slice(1).map((run) => run.folder) })];
    return answers && scores && { command: [...answers.map((one) => one.command), scores.command].join("\n"), files: answers.flatMap((one) => one.files) };
  };
  const all = keep(stage, { command });
  all.firstChild.append(button("Save codes (JSON)", async () => {
    (await codes())?.forEach((answer, i) => save(`${runs[i].id}.json`, json(answer.code)));
  }));
  return all;
}

function reconstruct(stage, runs, place) {
  const { element, draw, rest } = beside(stage, runs);
  const gain = GAINS.find((one) => String(one) === stage.get("gain")) ?? 4;
  const gains = segments("Differences are amplified", GAINS.map((one) => [one, `\u00d7${one}`]), gain, (next) => {
    stage.note({ gain: next });
    draw(next);
  });
  place.append(h("div", { class: "row" }, h("span", { class: "soft" }, "Differences (grey: none, brighter: drawn too bright), amplified"), gains), element);
  draw(gain).then(rest);
  return () => ({ image: stage.image });
}

/** A figure a run, and a function that asks all of them, each the newest only. */
function sides(stage, runs, place, panel, action) {
  const figures = runs.map((run) => figure(run, null, title(run), { alt: `${run.title}: what it draws` }));
  place.append(h("div", { class: "figures" }, figures.map((one) => one.element)));
  const each = runs.map((run, i) => new Newest((question) => ask(run.id, panel, action, question), (answer) => stage.open && figures[i].show(answer.image), (error) => stage.fail(error)));
  return (question) => each.forEach((one) => one.ask(question));
}

function interpolate(stage, runs, place) {
  const row = Number(/^d(\d+)$/.exec(stage.image)?.[1] ?? 0);
  const draw = sides(stage, runs, place, "interpolate", "at");
  let to = stage.get("to") || `d${(row + 1) % stage.run.count}`;
  const share = slider({ name: "From the working image to the other", low: 0, high: 1, step: 0.01, value: Number(stage.get("x") || 0.5), home: 0 }, () => moved());
  const question = () => ({ images: [stage.image, to], x: share.value });
  const moved = () => {
    stage.note({ x: share.value, to });
    draw(question());
  };
  place.append(share.element, strip(stage, "The other image", to, (id) => ((to = id), moved())));
  moved();
  return question;
}

async function edit(stage, runs, place) {
  const known = await Promise.all(runs.map((run) => asking(stage, run, "edit", "attributes", {})));
  if (known.some((one) => !one)) return null;
  const names = known[0].attributes.filter((name) => known.every((one) => one.attributes.includes(name)));
  const by = noted(stage, names);
  const question = () => ({ image: stage.image, by });
  const draw = sides(stage, runs, place, "edit", "move");
  const moved = (name, value) => {
    by[name] = value;
    stage.note({ by: JSON.stringify(by) });
    draw(question());
  };
  const sliders = names.map((name) => slider({ name, low: -10, high: 10, step: 0.25, value: by[name] ?? 0, home: 0 }, (value) => moved(name, value)).element);
  place.append(names.length ? h("div", { class: "sliders" }, sliders) : h("p", { class: "card" }, "These runs have learned no attribute in common."));
  draw(question());
  return question;
}

/** How far the address moves each attribute. */
function noted(stage, names) {
  try {
    const known = Object.entries(JSON.parse(stage.get("by") || "{}")).filter(([name, value]) => names.includes(name) && Number.isFinite(value));
    return Object.fromEntries(known);
  } catch {
    return {};
  }
}
