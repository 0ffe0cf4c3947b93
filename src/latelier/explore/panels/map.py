"""The codes of the data in the plane, and what each image is coloured by."""

import shlex
from typing import Any

import numpy as np

from latelier.core import Encodes
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import Action, Table
from latelier.explore.requests import Question

TITLE, PLACE = "Map", 3
GROUP, KEY = "Data", "m"
LINE = "The codes of all images in a plane. Hover, zoom, and draw around some to select them."
needs = (Encodes,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"about": about, "way": way, "column": column, "stop": stop, "command": command}


def tables() -> dict[str, Table]:
    """Numbers that are fetched as bytes, each of all images of the map."""
    return {"rows": rows, "place": place, "values": values}


def about(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """How many images there are on the map, how they can be placed, and what they can be coloured by."""
    opened.codes.rows()  # waits for them
    return {
        "count": len(opened.codes.picked),
        "said": opened.codes.said,
        "remark": opened.codes.remark,
        "ways": opened.embedding.ways(),
        "columns": [one._asdict() for one in opened.columns.names()],
    }


def way(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Places the codes; what across and down are."""
    name = question.text("way", "pca")
    return {"way": name, "said": opened.embedding.placed(name).said}


def stop(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Ends the placing that is under way."""
    opened.embedding.stop(question.text("way", ""))
    return {}


def column(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Computes a column; its range over the map."""
    found = opened.columns.column(question.text("name", ""))
    known = values(opened, question)
    known = known[np.isfinite(known)] if found.kind == "number" else known[known >= 0]
    ends = [float(known.min()), float(known.max())] if len(known) else [0.0, 0.0]
    return {**found._asdict(), "low": ends[0], "high": ends[1]}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that draws the codes as a sheet."""
    words = ["latelier", "draw", str(opened.run.folder), "codes", "--data", opened.shown.source, "--out", "codes.png"]
    return {"command": shlex.join(words)}


def rows(opened: OpenedRun, question: Question) -> np.ndarray:
    """int32 [n]: the images of the map, as rows of the data."""
    return opened.codes.picked.astype(np.int32)


def place(opened: OpenedRun, question: Question) -> np.ndarray:
    """float32 [n, 2]: where they are."""
    return opened.embedding.placed(question.text("way", "pca")).place


def values(opened: OpenedRun, question: Question) -> np.ndarray:
    """[n]: a column's values, float32, int32 or int8."""
    found: np.ndarray = opened.columns.values(question.text("name", ""))[opened.codes.picked]
    return found
