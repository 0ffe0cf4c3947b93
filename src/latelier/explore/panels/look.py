"""The gallery: images of the data, by class, and those whose codes are nearest to one."""

import re
from typing import Any

import numpy as np

from latelier.codes.rows import flat
from latelier.core import Encodes, has
from latelier.explore.opened_run import OpenedRun, chosen
from latelier.explore.panels import Action
from latelier.explore.requests import Question

TITLE, PLACE = "Look", 0
LINE = "All images of the data. Choose one to work on, or drop in one of your own."
needs = ()
MOST = 96  # images a page
ROW = re.compile(r"d(\d{1,9})", re.ASCII)


def searches(opened: OpenedRun) -> bool:
    """Whether images can be searched by their codes."""
    return has(opened.model, Encodes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"page": page, "near": near, "about": about}


def about(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """What is known of one image."""
    picture = chosen(opened, question)
    return {"picture": picture, "caption": opened.caption(picture), "label": opened.label(picture)}


def page(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Some images from a place on, of one class or of all; without a place those of the page that shows an image, if
    they have it. A class that is not there has none."""
    classes, label = opened.shown.classes, question.text("label", "")
    rows = np.arange(len(opened.shown))
    if label:
        rows = np.flatnonzero(opened.shown.label == classes.index(label)) if label in classes else rows[:0]
    count = question.whole("count", 1, MOST, 48)
    start = question.whole("start", 0, 10**9, 0) if question.has("start") else _page_of(question, rows, count)
    start = min(start, max(0, len(rows) - 1))
    pictures = [_told(opened, int(row)) for row in rows[start : start + count]]
    return {
        "pictures": pictures,
        "start": start,
        "total": len(rows),
        "classes": classes[:200],
        "unknown": bool(label) and label not in classes,
        "search": searches(opened),
    }


def _page_of(question: Question, rows: np.ndarray, count: int) -> int:
    """Where the page of so many rows begins that has the image asked for; 0 where none has it."""
    row = ROW.fullmatch(question.text("picture", ""))
    found = np.flatnonzero(rows == int(row[1])) if row else rows[:0]
    return int(found[0]) // count * count if len(found) else 0


def near(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The images whose codes are nearest to that of one, which is not among them."""
    picture, count = chosen(opened, question), question.whole("count", 1, MOST, 24)
    row = flat(opened.code(picture), opened.model)[0].cpu().numpy()
    found = [(one, away) for one, away in opened.codes.nearest(row, count + 1) if f"d{one}" != picture][:count]
    return {"pictures": [_told(opened, one) | {"distance": away} for one, away in found]}


def _told(opened: OpenedRun, row: int) -> dict[str, Any]:
    return {"id": f"d{row}", "caption": opened.caption(f"d{row}")}
