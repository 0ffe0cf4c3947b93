// What a panel is given: its run and image, where to put things, and how to ask.

import * as address from "./address.js";
import { fill, h } from "./dom.js";
import { bar } from "./selection.js";
import { ask, Newest } from "./server.js";

const status = document.getElementById("status");
let hiding = 0;

/** Says something in passing, also to those who cannot see the page. */
export function say(words) {
  status.textContent = words;
  clearTimeout(hiding);
  hiding = setTimeout(() => (status.textContent = ""), 5000);
}

/** One panel's place on the page. It is left (`open` is false) when another is shown. */
export class Stage {
  constructor(site, run, panel, picture, own) {
    Object.assign(this, { site, run, panel, picture, own, open: true });
    this.problem = h("p", { class: "card problem", role: "alert", hidden: true });
    this.notice = h("p", { class: "card waiting", hidden: true });
    this.view = h("div", { class: "view" });
    this.side = h("div", { class: "side" });
    this.body = h("div", { class: "body" }, this.view, this.side);
    this.selection = bar(this);
    this.element = h("div", {}, this.selection.element, this.problem, this.notice, this.body);
  }

  /** Without a column for controls. */
  wide() {
    this.body.classList.add("wide");
    this.side.remove();
  }

  get(name) {
    return address.get(name);
  }

  note(changes) {
    if (this.open) address.note(changes);
  }

  /** Selects what has that id, "" for nothing, without a step in the history. */
  select(selection) {
    this.note({ selection });
    if (this.open) this.selection.refresh(selection);
  }

  /** An answer, or null where there is none: then the page has said why, or is no longer here. */
  async ask(action, question, panel = this.panel) {
    try {
      const answer = await ask(this.run.id, panel, action, question, (share) => this.wait(share));
      this.wait(null);
      return this.open ? answer : null;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** Asks only the newest of many questions. */
  newest(action, show) {
    const shown = (answer, question) => {
      if (!this.open) return;
      this.problem.hidden = true;
      this.body.classList.remove("busy");
      show(answer, question);
    };
    const asking = new Newest((question) => ask(this.run.id, this.panel, action, question, (share) => this.wait(share)), shown, (error) => this.fail(error));
    return (question) => {
      this.body.classList.add("busy");
      asking.ask(question);
    };
  }

  wait(share) {
    this.notice.hidden = share === null;
    if (share !== null) fill(this.notice, `Reading the codes of all images: ${Math.round(100 * share)} %. This is done once.`);
  }

  fail(error) {
    if (!this.open) return;
    this.body.classList.remove("busy");
    this.wait(null);
    fill(this.problem, error.message);
    this.problem.hidden = false;
  }
}

/** Calls once the last of many calls is `ms` old. */
export function settled(work, ms = 160) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), ms);
  };
}
