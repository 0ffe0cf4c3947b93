"""The codes of the data in the plane of their two leading principal components."""

import shlex
from typing import Any

import numpy as np

from latelier.core import Encodes
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.sheets.codes import plane

TITLE, PLACE = "Map", 3
GROUP, KEY = "Data", "m"
LINE = "The codes of all images in a plane. Hover, zoom, and draw around some to take their list with you."
needs = (Encodes,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"points": points, "command": command}


def points(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Every image's place in [-1, 1] x [-1, 1], its class and its name."""
    rows = opened.codes.rows()

    def flattened() -> tuple[np.ndarray, str]:
        found, said = plane(rows) if rows.shape[1] != 2 else (rows.astype(float), "")
        found = found - (found.max(0) + found.min(0)) / 2
        return found / (np.abs(found).max() or 1), said

    found, said = opened.once("plane", flattened)
    name = "the code's two numbers" if rows.shape[1] == 2 else f"two principal components of {rows.shape[1]}{said}"
    return {
        "points": [[round(x, 4), round(y, 4)] for x, y in found.tolist()],
        "label": opened.shown.label[: len(rows)].tolist(),
        "classes": opened.shown.classes,
        "names": [str(opened.shown.names[i]) for i in range(len(rows))],
        "said": name,
        "remark": opened.codes.remark,
    }


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that draws the codes as a sheet."""
    words = ["latelier", "draw", str(opened.run.folder), "codes", "--data", opened.shown.source, "--out", "codes.png"]
    return {"command": shlex.join(words)}
