// The same run with another split of its images, which the server opens beside.

import { go } from "./address.js";

/** Goes to that split, in the panel that is shown, with those changes of the address. */
export async function toSplit(stage, split, changes = {}) {
  const answer = await stage.ask("split", { split }, "look");
  if (!answer) return;
  const there = () => go({ ...changes, run: answer.run, picture: "d0", selection: "" });
  dispatchEvent(new CustomEvent("latelier-runs", { detail: there }));
}
