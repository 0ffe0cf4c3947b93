// Labels by keys and by selection; each is on the server's disk before the next. What a classifier learns of them is drawn as a curve.

import { button, fill, h, percent, segments } from "../lib/dom.js";
import { address, figure, image } from "../lib/image.js";
import { go } from "../lib/address.js";
import { keep } from "../lib/keep.js";
import { hear, keyOf } from "../lib/labelkeys.js";
import { curve } from "../lib/curve.js";
import { send } from "../lib/outbox.js";
import { marks } from "../lib/marks.js";
import { training } from "../lib/training.js";
import { typed } from "../lib/typed.js";
import { say } from "../lib/stage.js";
import { toSplit } from "../lib/split.js";

export const works = false;
export const keys = [
  ["0 to 9", "the class with that key, to the chosen images"],
  ["\u2190 \u2192 \u2191 \u2193", "another image; with Shift it is chosen too"],
  ["Space", "chooses one more, or one less"],
  ["u", "unknown"],
  ["y n", "yes or no to the attribute whose keys are on; then u is unknown to it"],
  ["z", "takes the last label of this page back"],
];
const COUNT = 24;
const SKIPPED = 5000;
const tab = (sessionStorage.tab ??= Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join(""));
const WAYS = [["margin", "Unsure"], ["unlike", "Unlike all others"], ["random", "At random"]];
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const WHY = { unsure: "the classifier is unsure", unlike: "unlike all that is labelled", typical: "typical of a group", random: "drawn at random", selected: "selected" };

export function mount(stage) {
  const selection = stage.get("selection");
  const skipped = new Set();
  let kind = stage.get("next") || (selection ? "selection" : "margin");
  let state = { classes: [], attributes: [] };
  let shown = []; // images of the queue, with what is known of each
  let at = 0;
  let chosen = new Set();
  let seed = Math.floor(Math.random() * 2 ** 30); // so that two pages show different images

  const big = figure(stage.run, undefined, "", { alt: "The image to label", big: true });
  const grid = h("div", { class: "gallery queue", role: "listbox", "aria-label": "Images to label", "aria-multiselectable": "true" });
  const classes = h("div", { class: "choices", role: "group", "aria-label": "Classes" });
  const thumbs = h("div", { class: "row narrow", role: "group", "aria-label": "Classes near the images" }); // on narrow screens
  const words = h("p", { class: "soft", "aria-live": "polite" });
  const learned = h("div", {});
  const elsewhere = h("div", { hidden: true });
  const place = h("p", { class: "soft" });
  const whole = h("div", { class: "row", hidden: !selection });
  const ways = selection ? [["selection", "Selected"], ...WAYS] : WAYS;

  /** The answer, or null where there is none: then the page says why, and nothing was written. */
  const inTurn = async (action, question) => {
    try {
      const answer = await send(stage.run.id, stage.panel, action, question);
      stage.well();
      return answer;
    } catch (error) {
      stage.fail(error);
      return null;
    }
  };
  const current = () => shown[at];
  const adding = (label, use) => typed({ label, does: "Add", most: 60, emptied: true }, (name) => name && use(name));
  const targets = () => (chosen.size ? [...chosen] : current() ? [current().id] : []);

  function caption(one) {
    const guess = one.guess === undefined ? "" : `${one.guess}? ${percent(one.confidence)}`;
    return one.given ?? (skipped.has(one.id) ? "unknown" : guess);
  }

  function draw() {
    const one = current();
    big.frame.hidden = !one;
    if (one) {
      const guess = one.guess === undefined ? "nothing learned yet" : `guess: ${one.guess}, ${percent(one.confidence)}`;
      big.show(address(stage.run, one.id), [h("b", {}, one.given ?? guess), h("br"), [one.name, WHY[one.why]].filter(Boolean).join("; ")]);
    }
    fill(grid, shown.map((each, i) =>
      h("button", {
        type: "button", class: `thumb ${each.given ? "done" : ""}`, role: "option", "data-id": each.id,
        "aria-selected": String(chosen.has(each.id)), "aria-current": i === at ? "true" : undefined, "aria-label": [each.name, caption(each)].filter(Boolean).join(", "),
        onclick: (event) => pick(i, event),
      }, image(stage.run, address(stage.run, each.id), ""), h("span", {}, caption(each)))));
    if (!shown.length) fill(grid, h("p", {}, kind === "selection" ? "All selected images have a label." : "No image is left to label."));
  }

  function pick(i, event) {
    if (event.shiftKey) for (let j = Math.min(i, at); j <= Math.max(i, at); j += 1) chosen.add(shown[j].id);
    else if (event.ctrlKey || event.metaKey) toggle(shown[i].id);
    else chosen = new Set();
    at = i;
    draw();
    focus();
  }

  function toggle(id) {
    if (!chosen.delete(id)) chosen.add(id);
  }

  const focus = () => grid.querySelector("[aria-current]")?.focus();

  function move(by, extend) {
    if (extend && current()) chosen.add(current().id);
    at = Math.min(Math.max(0, at + by), Math.max(0, shown.length - 1));
    if (extend && current()) chosen.add(current().id);
    draw();
    focus();
  }

  function onward() {
    chosen = new Set();
    const open = (one) => !one.given && !skipped.has(one.id);
    const next = shown.findIndex((one, i) => i > at && open(one));
    const first = shown.findIndex(open);
    if (next < 0 && first < 0) return queue();
    at = next < 0 ? first : next;
    draw();
    focus();
    return undefined;
  }

  async function give(name) {
    const images = targets();
    if (!images.length) return;
    const before = new Map(shown.filter((one) => images.includes(one.id)).map((one) => [one.id, one.given]));
    const reasons = new Set(images.map((id) => shown.find((one) => one.id === id)?.why));
    const why = reasons.size === 1 ? [...reasons][0] : "";
    const fresh = [...before.values()].every((given) => given === undefined);
    set(images, () => name ?? undefined);
    if (name === null) for (const id of images) if (skipped.size < SKIPPED) skipped.add(id);
    onward();
    const answer = await inTurn("give", { images, class: name, why, tab, fresh: Number(fresh) });
    if (answer === null) {
      set(images, (id) => before.get(id));
      for (const id of images) skipped.delete(id);
      draw();
      return;
    }
    if (answer.taken.length) {
      say(`${answer.taken.length === 1 ? "An image has" : `${answer.taken.length} images have`} got a label elsewhere meanwhile, which stays.`);
      for (const { id, given } of answer.taken) set([id], () => given);
    }
    refresh();
  }

  function set(ids, given) {
    for (const one of shown) if (ids.includes(one.id)) one.given = given(one.id);
  }

  async function giveAll(name) {
    const answer = await inTurn("give", { selection, class: name, tab });
    if (!answer) return;
    say(`${answer.changed.toLocaleString("en")} images are "${name}". Z takes this back.`);
    await queue();
  }

  async function mark(attribute, value) {
    if (await inTurn("mark", { images: targets(), attribute, value, tab })) refresh();
  }

  async function undo() {
    const answer = await inTurn("undo", { tab });
    if (!answer) return;
    if (!answer.images.length) return say("There is nothing of this page to take back.");
    const first = shown.findIndex((one) => one.id === answer.images[0]);
    if (first >= 0) at = first;
    for (const one of shown) if (answer.images.includes(one.id)) one.given = undefined;
    for (const id of answer.images) skipped.delete(id);
    draw();
    await refresh();
    return focus();
  }

  async function queue() {
    seed += 1;
    stage.note({ next: kind });
    const answer = await stage.ask("queue", { kind, count: COUNT, seed, skip: [...skipped], selection });
    if (!answer) return;
    [shown, at, chosen] = [answer.images, 0, new Set()];
    draw();
    await refresh();
    if (stage.get("train")) trained.point();
    else focus();
    stage.note({ train: "" });
  }

  async function refresh() {
    const answer = await stage.ask("state", { images: shown.map((one) => one.id) });
    if (!answer) return;
    state = answer;
    const known = new Map(answer.images.map((one) => [one.id, one]));
    shown = shown.map((one) => (known.has(one.id) ? { why: one.why, ...known.get(one.id) } : one));
    draw();
    side();
    if (answer.measured.more) refresh();
  }

  function side() {
    fill(classes, state.classes.map(({ name, count }, i) =>
      button([h("kbd", {}, keyOf(state.classes, name, i) || "\u00b7"), h("span", {}, name), h("small", { class: "soft" }, count.toLocaleString("en"))], () => give(name), { class: "class" })));
    fill(thumbs, state.classes.slice(0, 30).map(({ name }) => button(name, () => give(name))), state.classes.length ? button("unknown", () => give(null)) : adding("New class", add));
    elsewhere.hidden = !state.elsewhere;
    fill(elsewhere, state.elsewhere && h("div", { class: "card row" }, h("p", {}, sentence(state.elsewhere)), state.splits.includes("train") && button("Label the train images", () => toSplit(stage, "train"))));
    fill(whole, h("span", {}, "All that is selected:"), state.classes.slice(0, 30).map(({ name }) => button(name, () => giveAll(name), { "aria-label": `All selected images are ${name}` })));
    attributes.show(state.attributes);
    fill(words, `${state.labelled.toLocaleString("en")} of ${state.total.toLocaleString("en")} images have a class.`);
    fill(learned, curve(state.curve, state.measured));
    fill(place, "Kept in ", h("code", {}, state.paths[0]), state.attributes.length > 0 && [" and ", h("code", {}, state.paths[1])]);
    trained.allow(state.elsewhere ? "Labels of these images are not trained on." : sentence(state.untrainable));
  }

  async function add(name) {
    if (await inTurn("give", { images: [], class: name, tab })) refresh();
  }

  const attributes = marks(mark);
  const trained = training(stage);
  const choice = segments("Which images come next", ways, kind, (value) => {
    kind = value;
    queue();
  });
  stage.view.append(
    elsewhere,
    h("div", { class: "row" }, choice, button("Next images", queue), button("Undo (Z)", undo)),
    whole,
    h("div", { class: "hand" }, big.element),
    thumbs,
    grid,
    h("p", { class: "soft" }, "Keys label as the list of classes has them, arrows move, Shift with arrows or a click takes several, Space one more, U unknown, Z undoes."),
  );
  stage.side.append(
    h("section", {}, h("h2", {}, "Classes"), classes, adding("New class", add), words),
    h("section", {}, h("h2", {}, "What a classifier learns"), learned),
    trained.element,
    h("details", {}, h("summary", {}, "Attributes"), attributes.element, adding("New attribute", (name) => mark(name, "yes"))),
    place,
    keep(stage, { question: () => trained.question(), action: "command" }),
  );
  if (selection && kind === "selection") stage.view.prepend(h("p", { class: "soft" }, "These are the images that you have selected. ", button("All images instead", () => go({ selection: "", next: "" }))));
  hear(stage, {
    classes: () => state.classes,
    columns: () => getComputedStyle(grid).gridTemplateColumns.split(" ").length,
    marked: (low) => attributes.press(low) && ((chosen = new Set()), true),
    choose: () => Boolean(current()) && (pick(at, { ctrlKey: true }), true),
    give, move, undo,
  });
  queue();
}
