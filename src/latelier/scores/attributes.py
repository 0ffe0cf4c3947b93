"""Yes-or-no attributes of images as scores take them: which can be learned and measured, and how answers are
judged."""

from typing import NamedTuple

import numpy as np

from latelier.data.attributes import or_classes
from latelier.errors import Refusal
from latelier.scores.common import Splits, spread

FEWEST = 6  # images to learn from that must have an attribute, and as many that must not
SHOWN = 40  # attributes up to which each has values of its own
RULE = (
    f"Attributes are those that at least {FEWEST} images of the training split have and at least {FEWEST} lack, and "
    "that some of the test images have and some lack; of images of exactly two classes, also the second class "
    "against the first, and of images without attributes each of three classes or more against all others. An image "
    "of which an attribute is unknown is left out of that one."
)


class Attributes(NamedTuple):
    """Names, and 1, 0 or -1 (unknown) of each image."""

    names: tuple[str, ...]
    fit: np.ndarray  # int64 [n, a]
    test: np.ndarray  # int64 [m, a]


def attributes_of(data: Splits) -> Attributes:
    """Those that can be learned from one split and measured on the other; none of them is no error."""
    (names, fit), (_, test) = (or_classes(images) for images in (data.fit, data.test))
    fit, test = fit.astype(np.int64), test.astype(np.int64)
    if fit.shape[1] != test.shape[1]:
        return Attributes((), fit[:, :0], test[:, :0])
    counts = [min((column == 1).sum(), (column == 0).sum()) for column in fit.T]
    shown = [(column == 1).any() and (column == 0).any() for column in test.T]
    use = [place for place, count in enumerate(counts) if count >= FEWEST and shown[place]]
    return Attributes(tuple(names[place] for place in use), fit[:, use], test[:, use])


def needed(score: str, data: Splits) -> Attributes:
    """The attributes. Raises Refusal where there are none."""
    found = attributes_of(data)
    if not found.names:
        source = data.fit.source or "these images"
        raise Refusal(
            f"{score}: {source}: a classifier of an attribute learns from at least {FEWEST} images with it and as many "
            "without it, and no attribute has that many, or test images of both kinds; label more"
        )
    return found


def balanced(answer: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the shares of positives and of negatives that are right: (TPR + TNR) / 2, in [0, 1].

    ``answer`` bool [n]; ``truth`` [n] is 1, 0 or, where it does not count, -1. Both must occur."""
    return float(answer[truth == 1].mean() + (~answer[truth == 0]).mean()) / 2


def values_of(kind: str, names: tuple[str, ...], values: list[float]) -> dict[str, float]:
    """Mean and sd over attributes of this many percents, and of few attributes each: "KIND %", "KIND ATTRIBUTE %"."""
    each = {f"{kind} {name} %": value for name, value in zip(names, values, strict=True)}
    return spread(f"{kind} %", values) | (each if len(names) <= SHOWN else {})
