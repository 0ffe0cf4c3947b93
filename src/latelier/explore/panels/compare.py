"""Two runs side by side. What is compared, both runs' own panels draw."""

import shlex
from typing import Any

from latelier.core import Decodes, Encodes
from latelier.explore.opened_run import Place
from latelier.explore.panels import Action
from latelier.explore.requests import Asked

TITLE, PLACE = "Compare", 10
LINE = "Two runs on the same image and the same controls."
needs = (Encodes, Decodes)


def offers(place: Place, runs: int) -> bool:
    """Where there is another run."""
    return runs > 1


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"command": command}


def command(place: Place, asked: Asked) -> dict[str, Any]:
    """The command that puts both runs' scores and reconstructions side by side."""
    words = ["latelier", "compare", str(place.run.folder), asked.text("folder", "OTHER"), "--out", "compare.png"]
    return {"command": shlex.join(words)}
