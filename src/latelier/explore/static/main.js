// The frame: which run, which panel, which image; the panel itself is a module of its own.

import * as address from "./lib/address.js";
import { button, fill, h } from "./lib/dom.js";
import { listen, tell } from "./lib/keys.js";
import { navigation } from "./lib/navigation.js";
import { address as source, image, measures } from "./lib/image.js";
import { ask, site as read, upload } from "./lib/server.js";
import { say, Stage } from "./lib/stage.js";
import { held } from "./lib/still.js";

const main = document.getElementById("main");
const runs = document.getElementById("run");
const own = []; // ids of uploads of this page
let site = null;
let stage = null;
let missed = 0; // modules that could not be had
let keys = []; // of the panel that is shown

function frame(run, panel) {
  navigation(site, run, panel);
  measures(run);
  runs.value = run.id;
  document.title = `${site.panels[panel].title}: ${run.title}, latelier`;
}

function chip(run, id) {
  const words = h("span", {}, "…");
  const small = image(run, source(run, id), "");
  ask(run.id, "look", "about", { image: id }).then((answer) => answer && fill(words, answer.caption), (error) => error.gone || fill(words, "This image is not here"));
  return h("div", { class: "chip", role: "group", "aria-label": "Working image" },
    button("\u2039", () => step(-1), { "aria-label": "Image before" }), small, words,
    button("\u203a", () => step(1), { "aria-label": "Image after" }));
}

function step(by) {
  const row = Number(/^d(\d+)$/.exec(stage.image)?.[1] ?? 0);
  address.go({ image: `d${(row + by + stage.run.count) % stage.run.count}` });
}

/** Why the page shows something else than its address says, or nothing. */
function amiss(run, panel) {
  const [runId, wanted] = [address.get("run"), address.get("panel")];
  if (runId && runId !== run.id) return `The run "${runId}" is not open here. This is ${run.title}; start the explorer with both.`;
  if (wanted && wanted !== panel) return `${run.title} has no panel "${wanted}", because its model cannot do that.`;
  return "";
}

async function show() {
  const before = stage;
  before?.leave();
  const run = site.runs.find((one) => one.id === address.get("run")) ?? site.runs[0];
  const wanted = address.get("panel");
  const panel = run.panels.includes(wanted) ? wanted : run.panels[0];
  const mine = (stage = new Stage(site, run, panel, address.get("image") || "d0", own));
  frame(run, panel);
  const { title, line } = site.panels[panel];
  const facts = `${run.title} (${run.model}) on ${run.source}`;
  const head = h("div", { class: "head" }, h("div", {}, h("h1", {}, title), h("p", {}, line), h("p", { class: "soft" }, facts)));
  const module = await loaded(panel);
  if (!mine.open) return;
  keys = module?.keys ?? [];
  if (module && module.works !== false) head.append(chip(run, mine.image));
  const place = held(main, before?.panel === panel && before.run.id === run.id);
  fill(main, head, mine.element);
  place();
  const said = module ? amiss(run, panel) : `The panel ${title} could not be loaded. Is the explorer still running in its terminal? This page goes on by itself once it is.`;
  if (said) mine.fail(new Error(said));
  if (!module) return;
  module.mount(mine);
}

/** A panel's module, or null where it cannot be had; a browser may remember that under the same address. */
async function loaded(panel) {
  try {
    return await import(`./panels/${panel}.js${missed ? `?again=${missed}` : ""}`);
  } catch {
    missed += 1;
    read().catch(() => {}); // which notes that the server is gone, if it is
    return null;
  }
}

/** The server is there again, perhaps another one than before. */
async function back() {
  const version = site?.version;
  try {
    site = await read();
  } catch (error) {
    return stage ? stage.fail(error) : fill(main, h("p", { class: "card problem", role: "alert" }, error.message));
  }
  if (version !== site.version) return location.reload();
  listed();
  say("The explorer answers again.");
  await show();
}

async function taken(file) {
  try {
    say("Reading your image…");
    const id = await upload(file);
    if (!own.includes(id)) own.unshift(id);
    say("Your image is open. It stays in the memory of this machine.");
    address.go({ image: id });
  } catch (error) {
    stage.fail(error);
  }
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

/** There are other runs than before; `detail`, where there is one, is called once the page knows them. */
async function again({ detail }) {
  site = await read();
  listed();
  const run = site.runs.find((one) => one.id === stage.run.id);
  if (run) frame(run, stage.panel); // unless it has just been closed, where `detail` goes elsewhere
  stage.site = site;
  detail?.();
}

async function begin() {
  try {
    site = await read();
  } catch (error) {
    fill(main, h("p", { class: "card problem", role: "alert" }, error.message));
    addEventListener("latelier-back", () => location.reload(), { once: true });
    return;
  }
  const help = () => tell(site, stage.run, stage.panel, keys);
  listed();
  runs.addEventListener("change", () => address.go({ run: runs.value }));
  document.getElementById("keys").addEventListener("click", help);
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // what is behind the # is what the page shows
    main.focus();
  });
  address.listen(show);
  addEventListener("latelier-runs", again);
  listen({ where: () => stage, go: (panel) => address.go({ panel }), step, help });
  dropping();
  addEventListener("latelier-back", back);
  await show();
}

begin();
