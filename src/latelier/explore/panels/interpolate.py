"""Between two, three or four images."""

from typing import Any

import torch

from latelier.core import Code, Decodes, Encodes
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.sheets.interpolate import between

TITLE, PLACE = "Interpolate", 6
GROUP, KEY = "Code", "i"
LINE = "Drag between two to four images: what lies between their codes."
needs = (Encodes, Decodes)
STOPS = 7  # of the strip


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"at": at, "strip": strip}


def at(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The image at x (from the first to the second) and y (down to the third, or to the third and fourth)."""
    return {"image": drawn(opened.decode(code(opened, question)))[0]}


def strip(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Images from left to right at this y, decoded as one batch."""
    corners, y = _corners(opened, question), question.number("y", 0, 1, 0.0)
    stops = [_between(opened, corners, x, y) for x in torch.linspace(0, 1, STOPS).tolist()]
    return {"images": drawn(opened.decode({name: torch.cat([stop[name] for stop in stops]) for name in stops[0]}))}


def code(opened: OpenedRun, question: Question) -> Code:
    """Of the image that is shown."""
    x, y = question.number("x", 0, 1, 0.5), question.number("y", 0, 1, 0.0)
    return _between(opened, _corners(opened, question), x, y)


def _corners(opened: OpenedRun, question: Question) -> Code:
    """[2, ...] or [4, ...] codes: upper left and right, lower left and right. Of three images the third is both."""
    images = question.texts("images", 4)
    if len(images) < 2:
        raise Refusal(f"two to four images are needed to go between, and {len(images)} is given: choose another")
    four = images if len(images) != 3 else [*images, images[2]]
    codes = [opened.code(one) for one in four]
    return {name: torch.cat([one[name] for one in codes]) for name in codes[0]}


def _between(opened: OpenedRun, corners: Code, x: float, y: float) -> Code:
    spherical = {name for name, latent in opened.model.latents.items() if latent.kind == "gaussian"}
    row = between(corners, x, spherical)
    return between(row, y, spherical) if len(next(iter(row.values()))) > 1 else row
