"""A slider an attribute, and what tells whether the edit can be trusted."""

from typing import Any

import torch

from latelier.core import AttributeDirections, Code, Decodes, Encodes, has, need
from latelier.explore.opened_run import Place, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Asked
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, moved, step_towards
from latelier.objectives.directions import place as column
from latelier.scores.identity import Eye, apart, usual

TITLE, PLACE = "Edit", 5
LINE = "Move the image towards attributes, and see what else changes."
needs = (Encodes, Decodes)
FARTHEST = 10.0  # steps
SHARES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)  # of the edit, in the strip


def offers(place: Place, runs: int) -> bool:
    """Where the model has learned attributes, or images have attributes or classes to fit on."""
    return has(place.model, AttributeDirections) or bool(place.fit.attributes or place.fit.classes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"attributes": attributes, "move": move, "trust": trust}


def attributes(place: Place, asked: Asked) -> dict[str, Any]:
    """What can be moved towards."""
    return {"attributes": _names(place), "said": f"{place.found.said}; in {place.found.unit}", "farthest": FARTHEST}


def move(place: Place, asked: Asked) -> dict[str, Any]:
    """The reconstruction, and the image drawn of the moved code."""
    before = place.code(chosen(place, asked))
    both = {name: torch.cat([before[name], value]) for name, value in code(place, asked).items()}
    again, picture = drawn(place.decode(both))
    return {"again": again, "picture": picture}


def trust(place: Place, asked: Asked) -> dict[str, Any]:
    """By degrees, and a table: log-odds of each attribute in the image's code, in the moved one and in the image
    drawn, encoded again; and how far the image drawn is from the reconstruction (``scores/identity.py``)."""
    before, step = place.code(chosen(place, asked)), _step(place, asked)
    shares = torch.tensor(SHARES, device=place.device)
    frames = place.decode(
        moved({name: value.expand(len(SHARES), *value.shape[1:]) for name, value in before.items()}, step, shares)
    )
    again, after = frames[SHARES.index(0.0)][None], frames[SHARES.index(1.0)][None]
    codes = before, moved(before, step, 1.0), need(place.model, Encodes).encode(after).mode()
    odds = [log_odds(place.found.directions, one)[0].tolist() for one in codes]
    places = {name: column(place.found.directions, name) for name in _names(place)}
    eye, between = _eye(place)
    return {
        "strip": [{"share": share, "picture": one} for share, one in zip(SHARES, drawn(frames), strict=True)],
        "rows": [{"name": name, "odds": [one[at] for one in odds]} for name, at in places.items()],
        "identity": float(apart(eye(after), eye(again))[0]) / between if between > 0 else None,
    }


def code(place: Place, asked: Asked) -> Code:
    """The image's code, moved."""
    return moved(place.code(chosen(place, asked)), _step(place, asked), 1.0)


def _step(place: Place, asked: Asked) -> Code:
    """The sum of the attributes' steps, each by its slider."""
    given = asked.numbers("by", 64, -FARTHEST, FARTHEST)
    steps = [(by, step_towards(place.found.directions, {name: 1})) for name, by in given.items() if by]
    weights = place.found.directions.weight
    return {
        name: sum((by * step[name] for by, step in steps), torch.zeros_like(weight[0]))
        for name, weight in weights.items()
    }


def _names(place: Place) -> list[str]:
    return [name for name in place.found.attributes if name != FAKE]


def _eye(place: Place) -> tuple[Eye, float]:
    """What sees images, and how far two different real ones are apart."""

    def made() -> tuple[Eye, float]:
        eye = Eye(place.device)
        return eye, usual(eye, place.shown, place.device)

    return place.once("eye", made)
