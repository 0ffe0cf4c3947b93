"""The code behind an image of the page, and the command that draws the same image."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from latelier.core import Code
from latelier.explore.opened_run import OpenedRun
from latelier.explore.requests import Question
from latelier.slices import Slices

INLINE = 400  # numbers of a code that a command line may hold; of longer ones it names the file


def saved(
    code: Callable[[OpenedRun, Question], Code | Slices[Code]],
) -> Callable[[OpenedRun, Question], Slices[dict[str, Any]]]:
    """The action ``code``."""

    def action(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
        made = code(opened, question)
        found = made if isinstance(made, Mapping) else (yield from made)
        values = {name: value[0].tolist() for name, value in found.items()}
        count = sum(value[0].numel() for value in found.values())
        given = json.dumps(values, separators=(",", ":")) if count <= INLINE else "code.json"
        words = ["latelier", "decode", str(opened.run.folder), given, "--out", "picture.png"]
        return {"code": values, "command": shlex.join(words), "file": given == "code.json"}

    return action
