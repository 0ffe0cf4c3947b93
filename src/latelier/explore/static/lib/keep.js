// What a person takes along: the image, its code, the command that makes it.

import { button, fill, h } from "./dom.js";

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

/** An image of this page as a file. */
export async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error("This image is not here.");
  return answer.blob();
}

/**
 * Buttons. `image()` gives the address of what is shown; `question()` what was asked for it; `action` is the panel's
 * that answers `code` and `command`, or `command()` answers instead; `files` are what commands read, as [words, name,
 * () => content].
 */
export function keep(stage, { image, question, action = "code", command, files = [] }) {
  const said = h("p", { "aria-live": "polite" });
  const answered = command ?? (() => stage.ask(action, question()));
  const trying = (work) => async () => {
    try {
      await work();
    } catch (error) {
      stage.fail(error);
    }
  };
  const drawn = () => {
    const source = image();
    if (source) save(`${stage.run.id}-${stage.panel}.png`, source);
    else fill(said, "Nothing is drawn yet.");
  };
  const buttons = [
    image && button("Save image", drawn),
    !command && action === "code" && button("Save code (JSON)", trying(async () => {
      const answer = await answered();
      if (answer) save("code.json", json(answer.code));
    })),
    button("Copy the command", trying(async () => {
      const answer = await answered();
      if (!answer) return;
      const how = await copied(answer.command);
      const needed = answer.files ?? [];
      const needs = needed.length ? `It reads ${needed.join(" and ")}: save ${needed.length > 1 ? "them" : "it"} beside it.` : "";
      fill(said, how, h("code", { class: "command" }, answer.command), needs && h("span", { class: "soft" }, needs));
    })),
    ...files.map(([words, name, content]) => button(`Save ${words}`, trying(async () => save(name, await content())))),
  ];
  return h("section", { class: "side" }, h("div", { class: "row" }, buttons.filter(Boolean)), said);
}
