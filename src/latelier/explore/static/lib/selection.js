// The selection that the address names: a bar over every panel, on the map beside it, with what can be done with it.

import { go } from "./address.js";
import { pack } from "./bits.js";
import { button, fill, h } from "./dom.js";
import { save, written } from "./keep.js";
import { say } from "./stage.js";

let unseen = ""; // made far down a page, where the bar is not in sight

/** Keeps these rows of the run's images at the server; gives the selection's id, "" for none. */
export async function keepRows(stage, rows) {
  if (!rows.length) return "";
  const bits = new Uint8Array(stage.run.count);
  for (const row of rows) bits[row] = 1;
  return keepFound(stage, { bits: pack(bits) });
}

/** The same of the images that a question finds. */
export async function keepFound(stage, question) {
  const made = (await stage.ask("select", question, "look"))?.selection ?? "";
  // Now: the page that shows it is built anew, and is short meanwhile.
  const over = !stage.side.contains(stage.selection.element);
  unseen = over && document.querySelector("h1")?.getBoundingClientRect().bottom < 0 ? made : "";
  return made;
}

/** The bar; empty where nothing is selected. It follows `stage.note` by `refresh(selection)`. */
export function bar(stage) {
  const element = h("div", { class: "chosen", role: "group", "aria-label": "Selection", hidden: true });
  const to = (panel) => stage.run.panels.includes(panel) && panel !== stage.panel;

  async function refresh(selection) {
    element.hidden = !selection;
    if (!selection) return;
    const answer = await stage.ask("selected", { selection }, "look");
    if (!answer) return;
    const said = h("span", { "aria-live": "polite" });
    const take = (how) => async () => {
      const made = await stage.ask("folder", { selection, how }, "look");
      if (made) fill(said, `${made.count.toLocaleString("en")} ${how} in `, h("code", {}, made.folder), ". To train on them: ", h("code", {}, made.command));
    };
    fill(element,
      h("b", {}, `${answer.count.toLocaleString("en")} selected`),
      to("look") && button("Show", () => go({ panel: "look", selection })),
      to("map") && button("On the map", () => go({ panel: "map", selection })),
      to("label") && button("Label", () => go({ panel: "label", selection, next: "selection" })),
      to("label") && button("Train on these", () => go({ panel: "label", selection, next: "selection", train: 1 })),
      button("Save the list (CSV)", async () => {
        const made = await stage.ask("table", { selection }, "look");
        if (made) save("selected.csv", written(made.csv, "text/csv"));
      }),
      button("Folder of copies", take("copies")),
      button("Folder of links", take("links")),
      button("Clear", () => go({ selection: "" })),
      said);
    if (selection !== unseen) return;
    unseen = "";
    say(`${answer.count.toLocaleString("en")} selected. The top of the page says what can be done with them.`);
  }

  refresh(stage.get("selection"));
  return { element, refresh };
}
