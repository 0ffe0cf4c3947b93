"""Which way attributes lie in a model's code: as it has learned them, or found after the fact from the codes of a model
that knew nothing of them: a linear classifier, which predicts the attribute, and a step, which draws it."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.codes.rows import device_of, reading, some
from latelier.core import AttributeDirections, Code, Decodes, Directions, Encodes, HasLevels, Model, has, need
from latelier.data.attributes import with_attributes
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.learners import regression
from latelier.nets.eval_mode import evaluating
from latelier.objectives.directions import moved
from latelier.slices import Slices, aside, done, within

ROWS = 5_000  # images that directions are fitted on
FEWEST = 2  # of them that must have an attribute, and as many that must not
SHARE = 0.1  # of the difference between two images: what a fitted step of 1 changes in a drawn image
MEASURED = 256  # images on which that is measured
LONGEST = 3.0  # standard deviations of the code in a step of 1: farther, an image that does not change stays as it is
ROUNDS, BLOCK = 5, 16  # in which a step's length is found, and images that are drawn at once: a slice
ENCODED, FITTED = 0.2, 0.3  # of the work, about, once codes and classifiers are there: the rest are steps' lengths
LINEAR = ("gaussian", "uniform", "point")  # kinds of latents whose numbers may be moved along a line
STEP = (
    "Fitted directions are differences of class means: from the mean code of the images without an attribute to that "
    f"of those with it. A step of 1 is so long that a drawn image changes by {SHARE:g} of the distance between two "
    f"different images (root mean squares over pixels, of {MEASURED} images moved both ways), or {LONGEST:g} "
    "standard deviations of the code where that is less."
)


class Found(NamedTuple):
    """Directions and where they are from."""

    directions: Directions
    said: str  # in words
    unit: str = "standard deviations of the code"  # what steps are counted in, in words

    @property
    def attributes(self) -> tuple[str, ...]:
        return self.directions.names


def found(model: Model, data: Images | None) -> Found:
    """The model's own directions, else those fitted on the images; the same for the same model and images. Raises
    Refusal where there are neither."""
    return done(finding(model, data))


def finding(model: Model, data: Images | None) -> Slices[Found]:
    """``found`` in slices."""
    if has(model, AttributeDirections):
        return Found(need(model, AttributeDirections).directions(), "directions that the model has learned")
    if data is None:
        raise Refusal("this model has learned no attributes: give images that have some, to fit directions on")
    fit = some(with_attributes(data), ROWS, 0)
    where = data.source or "the images given"
    said = f"directions fitted after the fact on {len(fit):,} images of {where}"
    fitted_ones = yield from fitting(model, fit)
    return Found(fitted_ones, said, f"steps that change {SHARE:g} of the difference between two images")


def fitting(model: Model, images: Images) -> Slices[Directions]:
    """For each attribute of the images a logistic regression on the most likely codes (C = 1 on codes scaled by one
    number) and a step along the difference of the class means (``STEP``).

    The classifier's own weight is no way to go: it points where the classes differ by more than the codes vary, which
    may be numbers that hardly show in a drawn image (Haufe et al. 2014, doi 10.1016/j.neuroimage.2013.10.067: what
    draws is the activation pattern, the codes' covariance times the weight; the difference of class means is that of
    the least-squares classifier). Classifiers, which cannot be cut, are fitted in a thread
    beside: they see numbers alone. Raises Refusal where no attribute is shown both ways."""
    latents, encoder = movable(model), need(model, Encodes)
    read = reading(
        model,
        images,
        lambda image: torch.cat([encoder.encode(image).mode()[name].flatten(1).float() for name in latents], 1),
        batch=2 * BLOCK if device_of(model).type == "cpu" else None,
    )
    rows = yield from within(read, 0, ENCODED)
    spread = float(np.sqrt(rows.var(0).mean())) or 1.0
    names, weights, biases, apart = list[str](), list[np.ndarray](), list[float](), list[np.ndarray]()
    for name, truth in zip(images.attributes, images.attribute.T, strict=True):
        known = truth >= 0
        if min((truth == 1).sum(), (truth == 0).sum()) < FEWEST:
            continue
        machine = yield from within(aside(partial(regression.fit, rows[known] / spread, truth[known])), ENCODED, FITTED)
        names.append(name)
        weights.append(machine.weight[1] / spread)
        biases.append(float(machine.bias[1]))
        apart.append(rows[truth == 1].mean(0) - rows[truth == 0].mean(0))
    if not names:
        raise Refusal(
            f"{images.source or 'these images'}: a direction is fitted between images with an attribute and "
            f"images without it, at least {FEWEST} of each, and no attribute has that many; label more"
        )
    device = device_of(model)

    def split(whole: list[np.ndarray]) -> Code:
        flat = torch.from_numpy(np.stack(whole)).float().to(device)
        parts = flat.split([int(np.prod(model.latents[name].shape)) for name in latents], 1)
        return {
            name: part.view(len(whole), *model.latents[name].shape) for name, part in zip(latents, parts, strict=True)
        }

    unit = 1.0 if all(model.latents[name].kind == "gaussian" for name in latents) else spread
    ways = split([way / (np.linalg.norm(way) or 1) for way in apart])
    step = yield from within(_scaled(model, images, ways, spread), FITTED, 1)
    return Directions(tuple(names), split(weights), torch.tensor(biases, device=device), unit, step)


def _scaled(model: Model, images: Images, ways: Code, spread: float) -> Slices[Code | None]:
    """Directions [a, *shape] of length 1 together, each as long as a step of 1 (``STEP``); none for a model that does
    not draw, whose codes are not edited. ``spread`` is the codes' standard deviation."""
    if not has(model, Decodes):
        return None
    image = some(images, MEASURED, 0).floats(slice(None))
    wanted, codes = SHARE * rms(image - image.roll(1, 0)), list[Code]()
    for block in image.split(BLOCK):
        with evaluating(model):
            codes.append(need(model, Encodes).encode(block.to(device_of(model))).mode())
        yield 0.0

    def length(way: Code) -> Slices[float]:
        """What changes as much as is wanted, by repeated rule of three: a decoder is no straight line."""
        by = spread
        for turn in range(ROUNDS):
            squares = 0.0
            for code in codes:
                with evaluating(model):
                    squares += float(_difference(need(model, Decodes), code, way, by).square().sum())
                yield turn / ROUNDS
            change = (squares / image.numel()) ** 0.5 / 2
            by = min(by * wanted / change, LONGEST * spread) if change > 0 else LONGEST * spread
        return by

    count, lengths = len(next(iter(ways.values()))), list[float]()
    for row in range(count):
        way = {name: values[row] for name, values in ways.items()}
        lengths.append((yield from within(length(way), row / count, (row + 1) / count)))
    return {
        name: way * torch.tensor(lengths, device=way.device).view(-1, *[1] * (way.dim() - 1))
        for name, way in ways.items()
    }


def _difference(decoder: Decodes, code: Code, way: Code, by: float) -> Tensor:
    """Between the images of codes moved to one side and to the other, drawn as one batch."""
    both = [moved(code, way, by), moved(code, way, -by)]
    there, back = decoder.decode({name: torch.cat([one[name] for one in both]) for name in code}).chunk(2)
    return there - back


def rms(difference: Tensor) -> float:
    """The root of the mean square of all numbers."""
    return float(difference.square().mean().sqrt())


def movable(model: Model) -> tuple[str, ...]:
    """Latents along which images can be edited: of a hierarchy the lowest level, which keeps the image; else those
    that tables of codes hold, but for coins and classes. Raises Refusal where none is left."""
    lowest = need(model, HasLevels).levels()[:1] if has(model, HasLevels) else ()
    names = lowest or need(model, Encodes).read or tuple(model.latents)
    linear = tuple(name for name in names if model.latents[name].kind in LINEAR)
    if not linear:
        raise Refusal("this model's code cannot be moved along a line: it holds nothing but coins or classes")
    return linear
