// A training on the labels, as a job of the server: begin, watch, cancel, and open what it made.

import { button, fill, h, percent } from "./dom.js";
import { go } from "./address.js";

const AGAIN = 1000; // ms between looks at a job that runs

/** The section of a panel, what it asks for, and `allow(reason)`: "" where a training can learn from the labels. */
export function training(stage) {
  const begin = button("Train with these labels", start, { class: "main", disabled: true });
  const steps = h("input", { type: "number", min: 0, step: 100, placeholder: "by itself", "aria-label": "Steps" });
  const methods = h("select", { "aria-label": "Method" }, h("option", { value: "" }, "the method that fits"), h("option", { value: stage.run.model }, `${stage.run.model}, as this run`));
  const why = h("p", { class: "soft" });
  const shown = h("div", { "aria-live": "polite" });
  const question = () => ({ method: methods.value, steps: Number(steps.value) || 0 });

  async function start() {
    begin.disabled = true;
    const answer = await stage.ask("train", question());
    if (answer) watch(answer);
    else begin.disabled = false;
  }

  async function watch(job) {
    show(job);
    if (job.state === "running" || (job.state === "done" && !job.opened)) {
      await new Promise((done) => setTimeout(done, AGAIN));
      if (!stage.open) return;
      const next = await stage.ask("job", {});
      if (next) watch(next);
      return;
    }
    begin.disabled = Boolean(why.textContent);
    if (job.opened && !stage.site.runs.some((run) => run.id === job.opened)) dispatchEvent(new CustomEvent("latelier-runs"));
  }

  function show(job) {
    if (!job.state) return fill(shown);
    const words = { running: `Training, ${percent(job.share)} done`, done: "Trained", failed: "The training failed", cancelled: job.kept ? "Cancelled; what it has learned is kept" : "Cancelled before there was anything to keep" }[job.state];
    const bar = h("progress", { max: 1, value: job.share, "aria-label": "Share of the training that is done" });
    return fill(shown,
      h("p", {}, h("b", {}, words), ", into ", h("code", {}, job.out)),
      job.state === "running" && h("div", { class: "row" }, bar, button("Cancel", async () => watch((await stage.ask("cancel", {})) ?? job))),
      h("pre", { class: "log" }, job.lines.slice(job.state === "running" ? -2 : -8).join("\n")),
      job.opened && h("div", { class: "row" }, button("Label with its codes", () => go({ run: job.opened, panel: "label" })), button("What it says of each image", () => go({ run: job.opened, panel: "classify" }))));
  }

  stage.ask("job", {}).then((job) => job?.state && watch(job));
  const fields = h("div", { class: "row" }, h("label", {}, "Method ", methods), h("label", {}, "Steps ", steps));
  return {
    element: h("section", {}, h("h2", {}, "Train"), fields, begin, why, shown),
    question,
    allow(reason) {
      fill(why, reason);
      begin.disabled = Boolean(reason);
    },
  };
}
