// A training on the labels or on the selected images, as a job of the server: begin, watch, cancel, open what it made.

import { button, fill, h, percent } from "./dom.js";
import { go } from "./address.js";

const AGAIN = 1000; // ms between looks at a job that runs

/** The section of a panel, what it asks for, `allow(reason)`: "" where a training can learn from the labels, and `point()`, which leads a person there. */
export function training(stage) {
  const selection = stage.get("selection");
  const begin = button("Train with these labels", () => start("train", question()), { class: "main", disabled: true });
  const alone = button("Train on the selected images", () => start("train_selected", { ...question(), selection }), { hidden: !selection });
  const steps = h("input", { type: "number", min: 0, step: 100, placeholder: "by itself", "aria-label": "Steps" });
  const methods = h("select", { "aria-label": "Method" }, h("option", { value: "" }, "the method that fits"), h("option", { value: stage.run.model }, `${stage.run.model}, as this run`));
  const why = h("p", { class: "soft" });
  const [words, out, log, onward] = [h("b"), h("code"), h("pre", { class: "log" }), h("div", { class: "row" })];
  const bar = h("progress", { max: 1, "aria-label": "Share of the training that is done" });
  const going = h("div", { class: "row" }, bar, button("Cancel", async () => show((await stage.ask("cancel", {})) ?? {})));
  const shown = h("div", { hidden: true }, h("p", { "aria-live": "polite" }, words, ", into ", out), going, log, onward);
  let busy = false; // with a training: one runs at a time
  const question = () => ({ method: methods.value, steps: Number(steps.value) || 0 });

  async function start(action, sent) {
    wait();
    const answer = await stage.ask(action, sent, "label", "Putting the images into a folder");
    if (answer) watch(answer);
    else ready();
  }

  function wait() {
    busy = begin.disabled = alone.disabled = true;
  }

  function ready() {
    busy = alone.disabled = false;
    begin.disabled = Boolean(why.textContent);
  }

  async function watch(job) {
    show(job);
    wait();
    if (job.state === "running" || (job.state === "done" && !job.opened)) {
      await new Promise((done) => setTimeout(done, AGAIN));
      if (!stage.open) return;
      const next = await stage.ask("job", {});
      if (next) watch(next);
      return;
    }
    ready();
    if (job.opened && !stage.site.runs.some((run) => run.id === job.opened)) dispatchEvent(new CustomEvent("latelier-runs", { detail: () => show(job) }));
  }

  /** Into elements that stay: a button that were made anew each second could not be pressed. */
  function show(job) {
    shown.hidden = !job.state;
    if (!job.state) return;
    const running = job.state === "running";
    fill(words, { running: `Training, ${percent(job.share)} done`, done: "Trained", failed: "The training failed", cancelled: job.kept ? "Cancelled; what it has learned is kept" : "Cancelled before there was anything to keep" }[job.state]);
    fill(out, job.out);
    bar.value = job.share;
    going.hidden = !running;
    fill(log, job.lines.slice(running ? -2 : -8).join("\n"));
    const run = stage.site.runs.find((one) => one.id === job.opened);
    const to = (panel, does) => run?.panels.includes(panel) && button(does, () => go({ run: run.id, panel }));
    fill(onward, to("start", "How good it is"), to("label", "Label with its codes"), to("classify", "What it says of each image"));
  }

  stage.ask("job", {}).then((job) => job?.state && watch(job));
  const fields = h("div", { class: "row" }, h("label", {}, "Method ", methods), h("label", {}, "Steps ", steps));
  return {
    element: h("section", {}, h("h2", {}, "Train"), fields, h("div", { class: "row" }, begin, alone), why, shown),
    question,
    allow(reason) {
      fill(why, reason);
      if (!busy) ready();
    },
    point() {
      (begin.disabled ? alone : begin).scrollIntoView({ block: "center" });
      alone.focus({ preventScroll: true });
    },
  };
}
