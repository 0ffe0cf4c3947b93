// The first look at a run: its verdict, scores beside baselines, some reconstructions, losses, and what to try.

import { fill, h } from "../lib/dom.js";
import { chart } from "../lib/chart.js";
import { headline } from "../lib/scores.js";
import { address, framed, image } from "../lib/image.js";
import { keep } from "../lib/keep.js";
import { go, link } from "../lib/address.js";

export const works = false; // on no image of its own

export async function mount(stage) {
  stage.wide();
  const gallery = h("section", {}, h("h2", {}, "Images, none chosen by hand"), h("p", { class: "soft" }, "Drawing…"));
  const cards = h("section", {}, h("h2", {}, "Try this"), h("div", { class: "cards" }, tries(stage)));
  const first = h("div", { class: "view" });
  stage.view.append(first, gallery, cards, keep(stage, { question: () => ({}), action: "command" }));
  stage.ask("images", {}).then((answer) => answer && shown(stage, gallery, answer));
  const answer = await stage.ask("show", {});
  if (!answer) return;
  fill(first,
    h("p", { class: "soft" }, answer.summary),
    verdict(answer),
    answer.headlines.length ? h("section", {}, h("h2", {}, "Scores beside what they have to beat"), h("div", { class: "trio" }, answer.headlines.map(headline))) : null);
  cards.before(...[losses(stage, answer)].filter(Boolean));
  const settings = Object.entries(answer.settings).map(([name, words]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, words)));
  if (settings.length) cards.after(h("details", {}, h("summary", {}, "Settings"), h("table", { "aria-label": "Settings" }, h("tbody", {}, settings))));
}

function verdict({ verdict: lines, judge, measured }) {
  if (!lines.length) return h("p", { class: "card" }, "This run has no verdict of its checkpoint yet. It is measured by ", h("code", {}, judge));
  const items = lines.map(({ level, mark, text, command }) => h("li", { class: level }, h("b", {}, mark), command ? h("code", {}, text) : h("span", {}, text)));
  return h("section", {}, h("h2", {}, `Verdict, on ${measured}`), h("ul", { class: "verdict card" }, items));
}

/** An image above what is drawn of its code. */
function shown(stage, place, { images, drawn, psnr = [] }) {
  const { run } = stage;
  const leads = run.panels.includes("reconstruct") ? "reconstruct" : "look";
  const pair = (id, caption, again, words) => h("a", { class: "pair", href: link({ panel: leads, image: id }), onclick: (event) => {
    event.preventDefault();
    go({ panel: leads, image: id });
  } }, framed(run, image(run, address(run, id), caption)), again ? framed(run, image(run, again, `${caption}, drawn of its code`)) : null, h("span", {}, words));
  const said = !images.length ? "Drawn by the model from random codes." : drawn.length ? "Above the image, below what is drawn of its code alone." : "Images of the data.";
  const pairs = images.length
    ? images.map(({ id, caption }, i) => pair(id, caption, drawn[i], psnr[i] ?? caption))
    : drawn.map((source, i) => h("figure", {}, framed(run, image(run, source, `Drawn from a random code, ${i + 1} of ${drawn.length}`))));
  fill(place, h("h2", {}, "Images, none chosen by hand"), h("div", { class: "six" }, pairs), h("p", { class: "soft" }, said));
}

/** The curve of one term, with a choice of the others. */
function losses(stage, { curves, first }) {
  const terms = Object.keys(curves);
  if (!terms.length) return null;
  const place = h("div", {});
  const choice = h("select", { id: "term", onchange: () => draw(choice.value) }, terms.map((term) => h("option", { value: term }, term)));
  function draw(term) {
    choice.value = term;
    stage.note({ term });
    const { unit, lines } = curves[term];
    const how = lines.training && lines.validation ? "Training drawn through, validation dashed." : `Of the ${Object.keys(lines)[0]} images.`;
    fill(place, chart(term, lines), h("p", { class: "soft" }, [unit && `In ${unit}.`, how].filter(Boolean).join(" ")));
  }
  draw([stage.get("term"), first].find((term) => term in curves) ?? terms[0]);
  return h("section", { class: "losses" }, h("div", { class: "row" }, h("h2", {}, "Training"), h("label", { class: "hidden", for: "term" }, "Term of the log"), choice), place);
}

function tries(stage) {
  const { run, site } = stage;
  return run.panels.filter((panel) => panel !== stage.panel).map((panel) => h("a", { class: "card", href: link({ panel }), onclick: (event) => {
    event.preventDefault();
    go({ panel });
  } }, h("b", {}, site.panels[panel].title), h("span", { class: "soft" }, site.panels[panel].line)));
}
