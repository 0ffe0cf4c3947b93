"""Two runs side by side. What is compared, both runs' own panels draw."""

import shlex
from typing import Any

from latelier.core import Decodes, Encodes
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import Action
from latelier.explore.requests import Question

TITLE, PLACE = "Compare", 10
LINE = "Two runs on the same image and the same controls."
needs = (Encodes, Decodes)


def offers(opened: OpenedRun, runs: int) -> bool:
    """Where there is another run."""
    return runs > 1


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"command": command}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that puts both runs' scores and reconstructions side by side."""
    words = ["latelier", "compare", str(opened.run.folder), question.text("folder", "OTHER"), "--out", "compare.png"]
    return {"command": shlex.join(words)}
