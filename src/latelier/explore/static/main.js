// The frame: which run, which panel, which image; the panel itself is a module of its own.

import * as address from "./lib/address.js";
import { button, fill, h } from "./lib/dom.js";
import { address as source, image } from "./lib/picture.js";
import { ask, site as read, upload } from "./lib/server.js";
import { say, Stage } from "./lib/stage.js";

const main = document.getElementById("main");
const nav = document.getElementById("panels");
const runs = document.getElementById("run");
const own = []; // ids of uploads of this page
let site = null;
let stage = null;

function frame(run, panel) {
  fill(nav, run.panels.map((name) =>
    h("a", { href: address.link({ run: run.id, panel: name }), "aria-current": name === panel ? "page" : undefined, onclick: (event) => {
      event.preventDefault();
      address.go({ run: run.id, panel: name });
    } }, site.panels[name].title)));
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  runs.value = run.id;
  document.title = `${site.panels[panel].title}: ${run.title}, latelier`;
}

function chip(run, picture) {
  const words = h("span", {}, "…");
  const pictured = image(run, source(run, picture), "");
  ask(run.id, "look", "about", { picture }).then((answer) => answer && fill(words, answer.caption), () => fill(words, "This image is not here"));
  return h("div", { class: "chip", role: "group", "aria-label": "Working image" },
    button("\u2039", () => step(-1), { "aria-label": "Image before" }), pictured, words,
    button("\u203a", () => step(1), { "aria-label": "Image after" }));
}

function step(by) {
  const row = Number(/^d(\d+)$/.exec(stage.picture)?.[1] ?? 0);
  address.go({ picture: `d${(row + by + stage.run.count) % stage.run.count}` });
}

async function show() {
  if (stage) stage.open = false;
  const run = site.runs.find((one) => one.id === address.get("run")) ?? site.runs[0];
  const wanted = address.get("panel");
  const panel = run.panels.includes(wanted) ? wanted : run.panels[0];
  const mine = (stage = new Stage(site, run, panel, address.get("picture") || "d0", own));
  frame(run, panel);
  const { title, line } = site.panels[panel];
  const facts = `${run.title} (${run.model}) on ${run.source}`;
  const head = h("div", { class: "head" }, h("div", {}, h("h1", {}, title), h("p", {}, line), h("p", { class: "soft" }, facts)));
  const module = await import(`./panels/${panel}.js`);
  if (!mine.open) return;
  if (module.works !== false) head.append(chip(run, mine.picture));
  fill(main, head, mine.element);
  if (wanted && wanted !== panel) mine.fail(new Error(`${run.title} has no panel "${wanted}", because its model cannot do that.`));
  module.mount(mine);
}

async function taken(file) {
  try {
    say("Reading your image…");
    const picture = await upload(file);
    if (!own.includes(picture)) own.unshift(picture);
    say("Your image is open. It stays in the memory of this machine.");
    address.go({ picture });
  } catch (error) {
    stage.fail(error);
  }
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, textarea, input:not([type=range])")) return;
  const number = Number(event.key);
  const panel = event.key >= "1" && event.key <= "9" ? stage.run.panels[number - 1] : undefined;
  if (panel) address.go({ panel });
  else if (event.key === "[") step(-1);
  else if (event.key === "]") step(1);
}

function dropping() {
  const over = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files.length) taken(event.dataTransfer.files[0]);
  });
  addEventListener("latelier-file", (event) => taken(event.detail));
}

function listed() {
  fill(runs, site.runs.map((run) => h("option", { value: run.id }, run.title)));
}

/** There are more runs than before. */
async function again() {
  site = await read();
  listed();
  frame(site.runs.find((run) => run.id === stage.run.id), stage.panel);
  stage.site = site;
}

async function begin() {
  try {
    site = await read();
  } catch (error) {
    fill(main, h("p", { class: "card problem", role: "alert" }, error.message));
    return;
  }
  listed();
  runs.addEventListener("change", () => address.go({ run: runs.value }));
  address.listen(show);
  addEventListener("latelier-runs", again);
  addEventListener("keydown", keys);
  dropping();
  await show();
}

begin();
