// Keys that hold everywhere, and the list of them. What a panel exports as `keys`, [keys, what they do], is listed too.

import { button, fill, h } from "./dom.js";
import { say } from "./stage.js";

const PATIENCE = 2000; // ms that a g waits for its letter
const list = h("div", {});
const dialog = h("dialog", { "aria-labelledby": "keys-title" },
  h("div", { class: "row apart" }, h("h2", { id: "keys-title" }, "Keys"), button("Close", () => dialog.close())), list);
let waiting = 0; // until when a letter is a panel's

function table(title, rows) {
  return h("section", {}, h("h3", {}, title), h("dl", { class: "keys" }, rows.map(([keys, words]) =>
    h("div", {}, h("dt", {}, keys.split(" ").map((key) => (key === "or" || key === "to" ? ` ${key} ` : h("kbd", {}, key)))), h("dd", {}, words)))));
}

/** Opens the list of keys: of this page, of the panel that is shown, and the letter of each panel of the run. */
export function tell(site, run, panel, own = []) {
  const panels = run.panels.map((name) => [`g ${site.panels[name].key}`, site.panels[name].title]);
  fill(list,
    table("Everywhere", [["?", "this list"], ["[", "the image before"], ["]", "the image after"], ["Tab", "to the next control; arrow keys move sliders"], ["Esc", "closes a list"]]),
    own.length ? table(site.panels[panel].title, own) : null,
    table("Go to a panel: g, then a letter", panels));
  if (!dialog.isConnected) document.body.append(dialog);
  dialog.showModal();
}

/** Whether a key is meant for the page, and not for what a person writes in or chooses from. */
function meant(event) {
  const typed = event.target.closest?.("select, textarea, dialog, [contenteditable], input:not([type=range], [type=checkbox], [type=radio])");
  return !(event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typed || dialog.open);
}

/** Hears keys: `go(panel)`, `step(by)` and `help()` do what they say; `where()` gives the site and its run. */
export function listen({ where, go, step, help }) {
  addEventListener("keydown", (event) => {
    if (!meant(event)) return;
    const { site, run } = where();
    const leads = performance.now() < waiting;
    waiting = 0;
    if (leads) {
      const panel = run.panels.find((name) => site.panels[name].key === event.key.toLowerCase());
      if (panel) go(panel);
      else say(`No panel of this run has the letter ${event.key}; ? lists them.`);
      event.stopImmediatePropagation(); // a panel's own key of that letter is not meant
      event.preventDefault();
    } else if (event.key === "g") {
      waiting = performance.now() + PATIENCE;
      say("Go to which panel? Its letter, please; ? lists them.");
    } else if (event.key === "?") help();
    else if (event.key === "[") step(-1);
    else if (event.key === "]") step(1);
  }, { capture: true });
}
