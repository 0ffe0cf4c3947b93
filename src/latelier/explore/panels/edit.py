"""A slider an attribute, and measures of whether the edit can be trusted."""

from typing import Any

import torch

from latelier.codes.directions import Found
from latelier.core import AttributeDirections, Code, Decodes, Encodes, has, need
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, moved, step_towards
from latelier.objectives.directions import place as column
from latelier.scores.identity import Eye, apart, looking
from latelier.slices import Slices

TITLE, PLACE = "Edit", 7
GROUP, KEY = "Code", "e"
LINE = "Move the image towards attributes, and see what else changes."
needs = (Encodes, Decodes)
FARTHEST = 10.0  # steps
SHARES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)  # of the edit, in the strip


def offers(opened: OpenedRun, runs: int) -> bool:
    """Where the model has learned attributes, or images have attributes or classes to fit on."""
    known = opened.shown.attributes or opened.shown.classes or opened.run.card.classes
    return has(opened.model, AttributeDirections) or bool(known)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"attributes": attributes, "move": move, "trust": trust}


def attributes(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """What can be moved towards."""
    found = yield from opened.found()
    return {"attributes": _names(found), "said": f"{found.said}; in {found.unit}", "farthest": FARTHEST}


def move(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """The reconstruction, and the image drawn of the moved code."""
    found = yield from opened.found()
    before = opened.code(chosen(opened, question))
    after = moved(before, _step(found, question), 1.0)
    again, image = drawn(opened.decode({name: torch.cat([before[name], value]) for name, value in after.items()}))
    return {"again": again, "image": image}


def trust(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """By degrees, and a table: log-odds of each attribute in the image's code, in the moved one and in the image
    drawn, encoded again; and how far the image drawn is from the reconstruction (``scores/identity.py``)."""
    found = yield from opened.found()
    eye, between = yield from _eye(opened)
    before, step = opened.code(chosen(opened, question)), _step(found, question)
    shares = torch.tensor(SHARES, device=opened.device)
    frames = opened.decode(
        moved({name: value.expand(len(SHARES), *value.shape[1:]) for name, value in before.items()}, step, shares)
    )
    yield 0.8
    again, after = frames[SHARES.index(0.0)][None], frames[SHARES.index(1.0)][None]
    codes = before, moved(before, step, 1.0), need(opened.model, Encodes).encode(after).mode()
    odds = [log_odds(found.directions, one)[0].tolist() for one in codes]
    columns = {name: column(found.directions, name) for name in _names(found)}
    yield 0.9
    return {
        "strip": [{"share": share, "image": one} for share, one in zip(SHARES, drawn(frames), strict=True)],
        "rows": [{"name": name, "odds": [one[at] for one in odds]} for name, at in columns.items()],
        "identity": float(apart(eye(after), eye(again))[0]) / between if between > 0 else None,
    }


def code(opened: OpenedRun, question: Question) -> Slices[Code]:
    """The image's code, moved."""
    found = yield from opened.found()
    return moved(opened.code(chosen(opened, question)), _step(found, question), 1.0)


def _step(found: Found, question: Question) -> Code:
    """The sum of the attributes' steps, each by its slider."""
    given = question.numbers("by", 64, -FARTHEST, FARTHEST)
    steps = [(by, step_towards(found.directions, {name: 1})) for name, by in given.items() if by]
    return {
        name: sum((by * step[name] for by, step in steps), torch.zeros_like(weight[0]))
        for name, weight in found.directions.weight.items()
    }


def _names(found: Found) -> list[str]:
    return [name for name in found.attributes if name != FAKE]


def _eye(opened: OpenedRun) -> Slices[tuple[Eye, float]]:
    """What sees images, and how far two different real ones are apart."""

    def made() -> Slices[tuple[Eye, float]]:
        eye = Eye(opened.device)
        yield 0.0
        return eye, (yield from looking(eye, opened.shown, opened.device))

    return opened.shared("eye", made)
