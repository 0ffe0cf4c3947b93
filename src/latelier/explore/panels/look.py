"""The gallery: images of the data, by class, and those whose codes are nearest to one."""

from typing import Any

import numpy as np

from latelier.codes.rows import flat
from latelier.core import Encodes, has
from latelier.explore.opened_run import OpenedRun, chosen
from latelier.explore.panels import Action
from latelier.explore.requests import Question

TITLE, PLACE = "Look", 1
GROUP, KEY = "Data", "g"
LINE = "All images of the data. Choose one to work on, or drop in one of your own."
needs = ()
MOST = 96  # images a page


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
    """Some images from a place on, of one class or of all."""
    classes, label = opened.shown.classes, question.text("label", "")
    rows = np.arange(len(opened.shown))
    if label in classes:
        rows = np.flatnonzero(opened.shown.label == classes.index(label))
    start = min(question.whole("start", 0, 10**9, 0), max(0, len(rows) - 1))
    some = rows[start : start + question.whole("count", 1, MOST, 48)]
    pictures = [_told(opened, int(row)) for row in some]
    return {
        "pictures": pictures,
        "start": start,
        "total": len(rows),
        "classes": classes[:200],
        "search": searches(opened),
    }


def near(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The images whose codes are nearest to that of one, which is not among them."""
    picture, count = chosen(opened, question), question.whole("count", 1, MOST, 24)
    row = flat(opened.code(picture), opened.model)[0].cpu().numpy()
    found = [(one, away) for one, away in opened.codes.nearest(row, count + 1) if f"d{one}" != picture][:count]
    return {"pictures": [_told(opened, one) | {"distance": away} for one, away in found]}


def _told(opened: OpenedRun, row: int) -> dict[str, Any]:
    return {"id": f"d{row}", "caption": opened.caption(f"d{row}")}
