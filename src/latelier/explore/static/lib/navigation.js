// The list of panels by group: at the side of a wide screen, behind a button at the bottom of a narrow one.

import * as address from "./address.js";
import { fill, h } from "./dom.js";

const nav = document.getElementById("panels");
const menu = document.getElementById("menu");

function open(on) {
  document.body.classList.toggle("menued", on);
  menu.setAttribute("aria-expanded", String(on));
  if (on) (nav.querySelector("[aria-current]") ?? nav.querySelector("a")).focus();
}

/** The panels of a group stand together; a group that is one panel of its own name has no heading. */
function groups(site, names) {
  const found = new Map();
  for (const name of names) {
    const { group } = site.panels[name];
    found.set(group, [...(found.get(group) ?? []), name]);
  }
  return [...found];
}

/** Shows what the run can do, and where the page is. */
export function navigation(site, run, panel) {
  const link = (name) => h("a", { href: address.link({ run: run.id, panel: name }), "aria-current": name === panel ? "page" : undefined, onclick: (event) => {
    event.preventDefault();
    address.go({ run: run.id, panel: name });
  } }, site.panels[name].title);
  open(false);
  fill(nav, groups(site, run.panels).map(([group, names]) => {
    const alone = names.length === 1 && site.panels[names[0]].title === group;
    const id = `group-${group.toLowerCase()}`;
    return h("div", { role: "group", "aria-labelledby": alone ? undefined : id, "aria-label": alone ? group : undefined }, alone ? null : h("p", { id }, group), names.map(link));
  }));
  fill(menu, h("span", {}, "Panels"), h("b", {}, site.panels[panel].title));
}

menu.addEventListener("click", () => open(menu.getAttribute("aria-expanded") !== "true"));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
  open(false);
  menu.focus();
});
