"""The gallery: images of the data, by class, and those whose codes are nearest to one."""

from typing import Any

import numpy as np

from latelier.codes.rows import flat
from latelier.core import Encodes, has
from latelier.explore.opened_run import Place, chosen
from latelier.explore.panels import Action
from latelier.explore.requests import Asked

TITLE, PLACE = "Look", 0
LINE = "All images of the data. Choose one to work on, or drop in one of your own."
needs = ()
MOST = 96  # images a page


def searches(place: Place) -> bool:
    """Whether images can be searched by their codes."""
    return has(place.model, Encodes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"page": page, "near": near, "about": about}


def about(place: Place, asked: Asked) -> dict[str, Any]:
    """What is known of one image."""
    picture = chosen(place, asked)
    return {"picture": picture, "caption": place.caption(picture), "label": place.label(picture)}


def page(place: Place, asked: Asked) -> dict[str, Any]:
    """Some images from a place on, of one class or of all."""
    classes, label = place.shown.classes, asked.text("label", "")
    rows = np.arange(len(place.shown))
    if label in classes:
        rows = np.flatnonzero(place.shown.label == classes.index(label))
    start = min(asked.whole("start", 0, 10**9, 0), max(0, len(rows) - 1))
    some = rows[start : start + asked.whole("count", 1, MOST, 48)]
    pictures = [_told(place, int(row)) for row in some]
    return {
        "pictures": pictures,
        "start": start,
        "total": len(rows),
        "classes": classes[:200],
        "search": searches(place),
    }


def near(place: Place, asked: Asked) -> dict[str, Any]:
    """The images whose codes are nearest to that of one, which is not among them."""
    picture, count = chosen(place, asked), asked.whole("count", 1, MOST, 24)
    row = flat(place.code(picture), place.model)[0].cpu().numpy()
    found = [(one, away) for one, away in place.codes.nearest(row, count + 1) if f"d{one}" != picture][:count]
    return {"pictures": [_told(place, one) | {"distance": away} for one, away in found]}


def _told(place: Place, row: int) -> dict[str, Any]:
    return {"id": f"d{row}", "caption": place.caption(f"d{row}")}
