"""Whether edits change the attribute, as a classifier of real images sees it, and how much of all else stays."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.directions import STEP, found
from latelier.codes.rows import device_of, rows_of
from latelier.core import AttributeDirections, Decodes, Directions, Encodes, Model, has, need
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.directions import moved, steps_towards
from latelier.scores import attribute_preservation
from latelier.scores.attribute_preservation import FIT_ROWS, Course, Judge
from latelier.scores.attributes import RULE, SHOWN, needed
from latelier.scores.common import Splits, spread
from latelier.scores.identity import WORDS, Eye, apart, usual

needs = (Encodes, Decodes)
NEEDS_ATTRIBUTES = True
TAKES_DIRECTIONS = True
ON_REQUEST = True  # it trains a classifier
LIMIT = 1_000
DELTAS = (1.0, 2.0, 3.0, 4.0, 5.0)
JUDGE = (
    "The judge of attribute_preservation, a classifier of our own that learned the attributes from at most "
    f"{FIT_ROWS:,} real images of the training split."
)
PROTOCOL = (
    f"{JUDGE} Each test image's most likely code is moved by delta steps along the direction of an attribute, towards "
    "it if the judge does not find it in the reconstruction, else away from it, and drawn. changed: share of images "
    "whose verdict on that attribute is another than on the reconstruction; others kept: share of the other "
    "attributes' verdicts that are as on the reconstruction. Directions are the model's own, and steps then standard "
    "deviations of its code, or, of a model that has learned none, fitted on at most 5,000 images that it was "
    f"trained on. {STEP} With together all attributes are moved at once, along the normalised sum of their steps, and "
    f"changed means every one. {WORDS} Means over images, then over attributes. {RULE}"
)


class Curve(NamedTuple):
    """What became of the test images, a number a delta."""

    changed: list[float]  # percent
    kept: list[float]  # percent; NaN where there is no other attribute
    identity: list[float]


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    attributes: Sequence[str] = (),
    deltas: Sequence[float] = DELTAS,
    together: bool = False,
    epochs: int = 10,
) -> dict[str, float]:
    """For each delta "changed at DELTA %", "others kept at DELTA %" where there are others, "identity at DELTA", and of
    each attribute "changed NAME at DELTA %". Raises Refusal for unknown attributes and for images without any."""
    seed, device = generator.initial_seed(), device_of(model)
    names = needed("edit", data).names
    directions = (data.found or found(model, None if has(model, AttributeDirections) else data.fit)).directions
    chosen = shared("edit", names, directions, attributes)
    judge, eye = judge_of(data, epochs, device, seed), Eye(device)
    between = usual(eye, data.test, device)
    encoder, decoder = need(model, Encodes), need(model, Decodes)

    def curve(group: Sequence[str]) -> Curve:
        places = [names.index(name) for name in group]

        def looked(image: Tensor) -> Tensor:
            """[b, (1 + deltas) * (a + 512)]: verdicts and features of the reconstruction and of the edits."""
            code = encoder.encode(image).mode()
            again = decoder.decode(code)
            with evaluating(judge):
                step = steps_towards(directions, group, judge(again)[:, places] <= 0)
                made = [again, *(decoder.decode(moved(code, step, delta)) for delta in deltas)]
                return torch.cat([part for one in made for part in (judge(one), eye(one))], 1)

        rows = torch.from_numpy(rows_of(model, data.test, looked)).unflatten(1, (1 + len(deltas), -1))
        return curve_of(rows[..., : len(names)] > 0, rows[..., len(names) :], places, between)

    groups = [chosen] if together else [[name] for name in chosen]
    return values_of({" + ".join(group): curve(group) for group in groups}, deltas)


def shared(score: str, names: Sequence[str], directions: Directions, wanted: Sequence[str]) -> list[str]:
    """The attributes that images and model share, or those wanted. Raises Refusal where they do not share them."""
    both = [name for name in names if name in directions.names]
    chosen = list(wanted) or both
    if not chosen or set(chosen) - set(both):
        missing = ", ".join(sorted(set(chosen) - set(both))) or "an attribute"
        raise Refusal(f"{score} needs {missing}, but model and images share {', '.join(both) or 'none'}; name these")
    return chosen


def judge_of(data: Splits, epochs: int, device: torch.device, seed: int) -> Judge:
    """Learned from real images."""
    return attribute_preservation.judge_of("edit", data, device, seed, Course(epochs))[0]


def curve_of(verdict: Tensor, features: Tensor, places: Sequence[int], between: float) -> Curve:
    """Of verdicts [n, 1 + deltas, a] and features [n, 1 + deltas, d], the reconstruction's first; ``between`` is the
    distance between two real images."""
    same, places = verdict == verdict[:, :1], list(places)
    rest = [place for place in range(verdict.shape[2]) if place not in places]
    steps = range(1, verdict.shape[1])
    return Curve(
        [100 * float((~same[:, step, places]).all(1).float().mean()) for step in steps],
        [100 * float(same[:, step, rest].float().mean()) for step in steps],
        [float(apart(features[:, step], features[:, 0]).mean()) / between for step in steps],
    )


def values_of(curves: Mapping[str, Curve], deltas: Sequence[float]) -> dict[str, float]:
    """Means and sds over groups of attributes, and of few each."""
    values: dict[str, float] = {}
    for step, delta in enumerate(deltas):
        values |= spread(f"changed at {delta:g} %", [curve.changed[step] for curve in curves.values()])
        kept = [curve.kept[step] for curve in curves.values()]
        values |= {} if np.isnan(kept).any() else spread(f"others kept at {delta:g} %", kept)
        values |= spread(f"identity at {delta:g}", [curve.identity[step] for curve in curves.values()])
        if 1 < len(curves) <= SHOWN:
            values |= {f"changed {name} at {delta:g} %": curve.changed[step] for name, curve in curves.items()}
    return values
