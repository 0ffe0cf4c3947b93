// The same run with another split of its images, which the server opens beside and closes again.

import { go } from "./address.js";

/** Goes to that split, in the panel that is shown, with those changes of the address. */
export function toSplit(stage, split, changes = {}) {
  return instead(stage, "split", { split }, changes);
}

/** Closes the run, which was opened on the page, and goes to another. */
export function closed(stage) {
  return instead(stage, "close", {});
}

async function instead(stage, action, question, changes = {}) {
  const answer = await stage.ask(action, question, "look");
  if (!answer) return;
  const there = () => go({ ...changes, run: answer.run, image: "d0", selection: "" });
  dispatchEvent(new CustomEvent("latelier-runs", { detail: there }));
}
