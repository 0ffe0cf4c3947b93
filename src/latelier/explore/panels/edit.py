"""A slider an attribute, and what tells whether the edit can be trusted."""

from typing import Any

import torch

from latelier.core import AttributeDirections, Code, Decodes, Encodes, has, need
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, moved, step_towards
from latelier.objectives.directions import place as column
from latelier.scores.identity import Eye, apart, usual

TITLE, PLACE = "Edit", 7
GROUP, KEY = "Code", "e"
LINE = "Move the image towards attributes, and see what else changes."
needs = (Encodes, Decodes)
FARTHEST = 10.0  # steps
SHARES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)  # of the edit, in the strip


def offers(opened: OpenedRun, runs: int) -> bool:
    """Where the model has learned attributes, or images have attributes or classes to fit on."""
    return has(opened.model, AttributeDirections) or bool(opened.fit.attributes or opened.fit.classes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"attributes": attributes, "move": move, "trust": trust}


def attributes(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """What can be moved towards."""
    return {"attributes": _names(opened), "said": f"{opened.found.said}; in {opened.found.unit}", "farthest": FARTHEST}


def move(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The reconstruction, and the image drawn of the moved code."""
    before = opened.code(chosen(opened, question))
    both = {name: torch.cat([before[name], value]) for name, value in code(opened, question).items()}
    again, picture = drawn(opened.decode(both))
    return {"again": again, "picture": picture}


def trust(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """By degrees, and a table: log-odds of each attribute in the image's code, in the moved one and in the image
    drawn, encoded again; and how far the image drawn is from the reconstruction (``scores/identity.py``)."""
    before, step = opened.code(chosen(opened, question)), _step(opened, question)
    shares = torch.tensor(SHARES, device=opened.device)
    frames = opened.decode(
        moved({name: value.expand(len(SHARES), *value.shape[1:]) for name, value in before.items()}, step, shares)
    )
    again, after = frames[SHARES.index(0.0)][None], frames[SHARES.index(1.0)][None]
    codes = before, moved(before, step, 1.0), need(opened.model, Encodes).encode(after).mode()
    odds = [log_odds(opened.found.directions, one)[0].tolist() for one in codes]
    opened_runs = {name: column(opened.found.directions, name) for name in _names(opened)}
    eye, between = _eye(opened)
    return {
        "strip": [{"share": share, "picture": one} for share, one in zip(SHARES, drawn(frames), strict=True)],
        "rows": [{"name": name, "odds": [one[at] for one in odds]} for name, at in opened_runs.items()],
        "identity": float(apart(eye(after), eye(again))[0]) / between if between > 0 else None,
    }


def code(opened: OpenedRun, question: Question) -> Code:
    """The image's code, moved."""
    return moved(opened.code(chosen(opened, question)), _step(opened, question), 1.0)


def _step(opened: OpenedRun, question: Question) -> Code:
    """The sum of the attributes' steps, each by its slider."""
    given = question.numbers("by", 64, -FARTHEST, FARTHEST)
    steps = [(by, step_towards(opened.found.directions, {name: 1})) for name, by in given.items() if by]
    weights = opened.found.directions.weight
    return {
        name: sum((by * step[name] for by, step in steps), torch.zeros_like(weight[0]))
        for name, weight in weights.items()
    }


def _names(opened: OpenedRun) -> list[str]:
    return [name for name in opened.found.attributes if name != FAKE]


def _eye(opened: OpenedRun) -> tuple[Eye, float]:
    """What sees images, and how far two different real ones are apart."""

    def made() -> tuple[Eye, float]:
        eye = Eye(opened.device)
        return eye, usual(eye, opened.shown, opened.device)

    return opened.once("eye", made)
