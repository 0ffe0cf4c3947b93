"""The settings of a label head where only some images have a label, so that it learns from the others too."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from latelier.config.settings import nest
from latelier.nets.conv import Conv
from latelier.runs.building import config_of, label_weight, takes_head

WEIGHT, RATE = 1000.0, 1e-2  # of a label, in nats: a bound's thousands of pixels are as loud; and of the head's steps
BY_PIXELS = 5  # labels a class up to which they are spread by pixels before the first step: codes know less at first
LABELLED, MANY, MOST = 0.125, 1_000, 0.5  # of a batch, of an encoder alone: see ``labelled_share``
ROUNDS = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85)  # of an encoder alone
VIEWS = 16  # whose answers a prediction averages, of images above ``SMALL``: a third fewer errors than of one
SMALL = 16  # size in px, up to which an encoder begins at full size


def unlabelled_pay(model: str, labels: int, classes: int, side: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """How a head learns beside a model where only some images, of ``side`` pixels, have one of the ``labels``, of
    ``classes`` classes, so that it learns from the others too: chosen by measurement (docs/few-labels.md), and in place
    of nothing that was ``given``. Beside a game a head stays as the game's source has it, and a model that learns of
    labels alone does so unless it was ``given`` otherwise."""
    own = {field.name: field.default for field in fields(config_of(model))}
    off = nest(given).get("head") == "none" or given.get("head.unlabelled") == "none" or "optimiser" not in own
    alone = not takes_head(model)
    if off or ("head.unlabelled" not in given if alone else label_weight(model) is not None):
        return dict(given)
    first = (0.0,) if labels <= BY_PIXELS * classes else ()
    small = side <= SMALL
    found: dict[str, Any] = {
        "head.unlabelled": "consistent",
        "head.rounds": (*first, 0.1, 0.3, 0.6),
        "head.views": 0 if small else VIEWS,
    }
    by_words = given.get("head.unlabelled") == "words"
    if alone:  # there is no bound to be heard over, and a code need not redraw anything
        found |= {"head.labelled": labelled_share(labels, by_words), "optimiser.rate": 2e-3}
        found |= {} if small else {"latent": 64, "head.rounds": (*first, *ROUNDS)}
    else:
        found |= {"head.weight": WEIGHT, "head.optimiser.rate": RATE}
    if isinstance(own.get("net"), Conv) and given.get("net", "conv") == "conv":
        wide = (
            {"net.stem": 32, "net.channels": (64, 64) if side > 3 else (64,)}
            if small
            else {"net.channels": (32, 64, 128)}
            if alone
            else {}
        )
        found |= {"net.norm": "group", **wide}
    if by_words:
        found.pop("head.rounds")
    return {**found, **given}


def labelled_share(labels: int, by_words: bool = False) -> float:
    """Of a batch, of an encoder that learns from this many labelled images and from others. A hundred are the same few
    again however often they come; five hundred that come seldom are learned too little: on CIFAR-100's coarse classes
    an eighth of the batch cost two to three points (docs/few-labels.md). Half as many serve where words teach the
    others, from the first step on."""
    return min(MOST, max(LABELLED, round(labels / MANY / (1 + by_words), 3)))
