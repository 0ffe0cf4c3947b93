// What a person takes along: the image, its code, the command that makes it.

import { button, fill, h } from "./dom.js";
import { say } from "./stage.js";

/** Hands a file to the browser. */
export function save(name, content) {
  const source = typeof content === "string" && content.startsWith("data:") ? content : URL.createObjectURL(content);
  h("a", { href: source, download: name }).click();
  if (source !== content) setTimeout(() => URL.revokeObjectURL(source), 10_000);
}

/** Text as a file in UTF-8, with the bytes of names that are not: the server says them as U+DC80 to U+DCFF. */
export function written(text, type) {
  const parts = text.split(/([\udc80-\udcff])/u);
  return new Blob(parts.map((part) => (/^[\udc80-\udcff]$/u.test(part) ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : part)), { type });
}

/** JSON as a file. */
export function json(value) {
  return new Blob([JSON.stringify(value)], { type: "application/json" });
}

async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return "Copied: ";
  } catch {
    return "Copy this: "; // a browser gives the clipboard to this machine's pages alone
  }
}

/**
 * Buttons. `picture()` gives the address of what is shown; `question()` what was asked for it; `action` is the panel's
 * that answers `code` and `command`; `file` what the command needs beside it, as [words, name, () => content].
 */
export function keep(stage, { picture, question, action = "code", file }) {
  const said = h("p", { "aria-live": "polite" });
  const asked = () => stage.ask(action, question());
  const buttons = [
    picture && button("Save image", () => (picture() ? save(`${stage.run.id}-${stage.panel}.png`, picture()) : say("Nothing is drawn yet."))),
    action === "code" && button("Save code (JSON)", async () => {
      const answer = await asked();
      if (answer) save("code.json", json(answer.code));
    }),
    button("Copy the command", async () => {
      const answer = await asked();
      if (!answer) return;
      const how = await copied(answer.command);
      const needs = answer.file === true ? "It reads code.json: save the code beside it." : answer.file ? `It reads ${answer.file}: save it beside it.` : "";
      fill(said, how, h("code", { class: "command" }, answer.command), needs && h("span", { class: "soft" }, needs));
    }),
    file && button(`Save ${file[0]}`, async () => save(file[1], await file[2]())),
  ];
  return h("section", { class: "side" }, h("div", { class: "row" }, buttons.filter(Boolean)), said);
}
