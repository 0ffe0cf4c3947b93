"""Whether samples drawn given an attribute carry it, as a classifier of real images sees them, and how they differ from
each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Generator

from latelier.codes.directions import found
from latelier.codes.rows import device_of, some
from latelier.codes.sampling import draw_given
from latelier.core import AttributeDirections, Decodes, Encodes, Model, Samples, has
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.langevin import Chain
from latelier.scores.attributes import RULE, needed
from latelier.scores.common import Splits, spread
from latelier.scores.edit import JUDGE, judge_of, shared
from latelier.scores.identity import Eye, mean_distance

needs = (Encodes, Decodes, Samples)
NEEDS_ATTRIBUTES = True
TAKES_DIRECTIONS = True
ON_REQUEST = True  # it trains a classifier and runs chains of thousands of steps
LIMIT = 20_000
PROTOCOL = (
    f"{JUDGE} Samples are mean images of codes at the end of Langevin chains for p(z | attribute) that began at draws "
    "of the prior: of those whose image, encoded again, the model's own classifier takes for what was asked for (and "
    "for real, if it recognises fakes). carries: share of samples given an attribute, and of as many given its "
    "absence, that the judge takes for what was asked for; accepted: share of the chains kept; diversity: mean "
    "distance between two samples, by that between two test images with the same attribute, in the features of the "
    f"score edit. Means over attributes, given and absent. {RULE}"
)


class Kind(NamedTuple):
    """What became of the samples given one attribute or its absence."""

    carries: float  # percent
    accepted: float  # percent
    diversity: float  # by that of real images


NOTHING = Kind(0.0, 0.0, 0.0)


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    attributes: Sequence[str] = (),
    samples: int = 200,
    step: float = 2e-4,
    steps: int = 5000,
    temperature: float = 1.0,
    epochs: int = 10,
) -> dict[str, float]:
    """Means and sds: "carries %", "accepted %", "diversity"; and of each attribute "carries NAME=1 %" and "carries
    NAME=0 %". Where no chain is accepted nothing is carried and nothing differs. Raises Refusal for attributes that
    model and images do not share."""
    seed, chain = generator.initial_seed(), Chain(step, steps, temperature)
    names, _, test = needed("conditional", data)
    directions = (data.found or found(model, None if has(model, AttributeDirections) else data.fit)).directions
    judge, eye = judge_of(data, epochs, device_of(model), seed), Eye(device_of(model))

    def kind(name: str, value: int) -> Kind:
        place = names.index(name)
        real = some(data.test.take(np.flatnonzero(test[:, place] == value)), samples, seed % 2**32)
        try:
            drawn = draw_given(model, directions, {name: value}, samples, generator, chain)
        except Refusal:  # no chain was accepted
            return NOTHING
        with evaluating(judge):
            carries = (judge(drawn.image)[:, place] > 0) == bool(value)
        apart = mean_distance(eye(drawn.image)) / mean_distance(eye(real.floats(slice(None)).to(device_of(model))))
        return Kind(100 * float(carries.float().mean()), 100 * drawn.kept, 0.0 if np.isnan(apart) else apart)

    wanted = shared("conditional", names, directions, attributes)
    kinds = {f"{name}={value}": kind(name, value) for name in wanted for value in (1, 0)}
    values = spread("carries %", [one.carries for one in kinds.values()])
    values |= spread("accepted %", [one.accepted for one in kinds.values()])
    values |= spread("diversity", [one.diversity for one in kinds.values()])
    return values | {f"carries {name} %": one.carries for name, one in kinds.items()}
