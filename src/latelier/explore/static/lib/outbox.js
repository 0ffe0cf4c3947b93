// What must reach the server, one after another in the order in which it was said, also when the page is left meanwhile.

import { post } from "./server.js";

const waiting = []; // of the page, whatever panel is shown

/** Sends it; the answer, or an error, once all that was said before is answered. */
export function send(run, panel, action, question) {
  return new Promise((answered, failed) => {
    waiting.push({ path: [run, panel, action], question, answered, failed });
    if (waiting.length === 1) work();
  });
}

async function work() {
  while (waiting.length) {
    const { path, question, answered, failed } = waiting[0];
    try {
      answered(await post(...path, question));
    } catch (error) {
      failed(error);
    }
    waiting.shift();
  }
}

/** The page goes: what has not been sent is sent without waiting for answers. */
addEventListener("pagehide", () => {
  for (const { path, question } of waiting.splice(1)) post(...path, question).catch(() => {});
});
