// What a panel is given: its run and image, where to put things, and how to ask.

import * as address from "./address.js";
import { button, fill, h, percent } from "./dom.js";
import { bar } from "./selection.js";
import { ask, Newest } from "./server.js";

const status = document.getElementById("status");
const CODES = "Reading the codes of all images, once";
let hiding = 0;

/** Says something in passing, also to those who cannot see the page. */
export function say(words) {
  status.textContent = words;
  clearTimeout(hiding);
  hiding = setTimeout(() => (status.textContent = ""), 5000);
}

/** One panel's place on the page. It is left (`open` is false) when another is shown. */
export class Stage {
  constructor(site, run, panel, image, own) {
    Object.assign(this, { site, run, panel, image, own, open: true, asking: new Set() });
    this.problem = h("p", { class: "card problem", role: "alert", hidden: true });
    this.notice = h("div", { class: "works" });
    this.view = h("div", { class: "view" });
    this.side = h("div", { class: "side" });
    this.body = h("div", { class: "body" }, this.view, this.side);
    this.selection = bar(this);
    this.element = h("div", {}, this.selection.element, this.problem, this.notice, this.body);
  }

  /** Another panel is shown: what is still worked at for this one is left. */
  leave() {
    this.open = false;
    for (const one of this.asking) one.abort();
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

  /** An answer, or null where there is none: then the page has said why, it was cancelled, or is no longer here. `doing` is what is said of long work. */
  async ask(action, question, panel = this.panel, doing = "Working") {
    try {
      const answer = await this.sent(panel, action, question, doing);
      return this.open ? answer : null;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** Something was done: an older problem is none any longer. */
  well() {
    if (this.open) this.problem.hidden = true;
  }

  /** Asks only the newest of many questions. */
  newest(action, show, doing = "Working") {
    const shown = (answer, question) => {
      if (!this.open) return;
      this.problem.hidden = true;
      this.body.classList.remove("busy", "stale");
      show(answer, question);
    };
    const send = async (question) => {
      const answer = await this.sent(this.panel, action, question, doing);
      if (answer === null) this.late();
      return answer;
    };
    const asking = new Newest(send, shown, (error) => this.fail(error));
    return (question) => {
      this.body.classList.add("busy");
      asking.ask(question);
    };
  }

  /** An answer of a run's panel, as `ask` of lib/server.js gives it; how far it is is shown, unless `waiting` hears it. */
  async sent(panel, action, question, doing, { run = this.run, waiting } = {}) {
    const leaving = new AbortController();
    const line = this.line(() => leaving.abort());
    this.asking.add(leaving);
    try {
      const work = { signal: leaving.signal, share: waiting ?? ((share) => line.at(doing, share)) };
      return await ask(run.id, panel, action, question, waiting ?? ((share) => line.at(CODES, share)), () => this.open, work);
    } finally {
      this.asking.delete(leaving);
      line.end();
    }
  }

  /** A line that says how far long work is, from when it is long, with a way to leave it. */
  line(cancel) {
    const words = h("span", {});
    const bar = h("progress", { max: 1, "aria-label": "Done" });
    const element = h("div", { class: "card work" }, words, bar, button("Cancel", cancel));
    return {
      at: (doing, share) => {
        if (!element.isConnected) this.notice.append(element);
        fill(words, `${doing}: ${percent(share)}`);
        bar.value = share;
      },
      end: () => element.remove(),
    };
  }

  /** What stands where an answer does not: a way to ask once more. */
  again() {
    return button("Try again", () => address.go({}));
  }

  /** What is drawn is no longer of what is chosen. */
  late() {
    if (this.body.classList.contains("busy")) this.body.classList.replace("busy", "stale");
  }

  fail(error) {
    if (!this.open) return;
    this.late();
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
