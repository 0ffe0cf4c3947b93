"""The code behind an image of the page, and the commands that make the same from it, or from the image."""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from latelier.core import Code
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun
from latelier.explore.requests import Question
from latelier.slices import Slices

INLINE = 400  # values of a code that a command line may hold; of longer ones it names the file
FILE, FOLDER = "image.png", "image"  # of an image that a page hands out, and where a command reads it
STEM = re.compile(r"(\w[\w-]{0,79})?")  # of files


def of_image(words: Sequence[str], *files: str) -> dict[str, Any]:
    """The answer with a command that reads ``FOLDER``, where the image is put first; ``files`` are others that it
    reads."""
    moved = f"mkdir -p {FOLDER} && mv {FILE} {FOLDER}/"
    return {"command": f"{moved} && {shlex.join(['latelier', *words])}", "files": [FILE, *files]}


def saved(
    code: Callable[[OpenedRun, Question], Code | Slices[Code]],
) -> Callable[[OpenedRun, Question], Slices[dict[str, Any]]]:
    """The action ``code``. Where codes of several runs are saved together, ``stem`` names this one's files."""

    def action(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
        made = code(opened, question)
        found = made if isinstance(made, Mapping) else (yield from made)
        values = {name: value[0].tolist() for name, value in found.items()}
        count = sum(value[0].numel() for value in found.values())
        stem = question.text("stem", "")
        if not STEM.fullmatch(stem):
            raise Refusal(f'"stem" takes letters, digits, - and _, but got {stem[:60]!r}; reload the page')
        file, out = f"{stem or 'code'}.json", f"{stem or 'decoded'}.png"
        given = json.dumps(values, separators=(",", ":")) if count <= INLINE else file
        words = ["latelier", "decode", str(opened.run.folder), given, "--out", out]
        return {"code": values, "command": shlex.join(words), "files": [file] if given == file else []}

    return action
