"""What frozen codes know about attributes: a linear support vector machine for each, by balanced accuracy (HALI,
tables 2 and 6)."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from torch import Generator

from latelier.codes.rows import pixels, rows_of, some, tabled
from latelier.core import Encodes, HasLevels, Model, has, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.scores.attributes import FEWEST, RULE, Attributes, balanced, needed, values_of
from latelier.scores.common import Splits
from latelier.scores.kept import Kept, digest

needs = (Encodes,)
NEEDS_ATTRIBUTES = True
ON_REQUEST = True  # five machines an attribute and space: minutes for wide codes or many attributes
LIMIT = 20_000
FIT_ROWS = 12_000
GRID = (0.01, 0.1, 1.0, 10.0)  # C tried
HELD = FEWEST  # one in this many images is held out to choose C
STEPS, TOLERANCE = 300, 1e-2
PROTOCOL = (
    "Balanced accuracy, (TPR + TNR) / 2, on test images of a linear support vector machine for each attribute "
    "(squared hinge, C times a sum over images in which positives and negatives weigh alike; liblinear, tolerance "
    f"{TOLERANCE:g}, at most {STEPS} steps). It learns from at most {FIT_ROWS:,} images of the training split, drawn "
    f"by seed 0. C out of {', '.join(f'{c:g}' for c in GRID)} is the one of the highest balanced accuracy on a sixth "
    "of the positives and of the negatives, held out, the least of equals; then all are learned from. " + RULE + " "
    "Spaces: the most likely codes of each level and of all together (codes, for a model without levels); raw pixels, "
    "averaged down to at most 32 x 32 px. Each is centred and scaled by one number a level, so that the mean squared "
    "norm of all of it is 1. sd: over attributes. A constant answer has 50 %."
)

PIXELS = Kept[list[float]](100)  # what machines on pixels reached, for the next run that is scored

Reader = Callable[[Images], np.ndarray]  # n images -> float32 [n, d]


def score(model: Model, data: Splits, generator: Generator, *, level: str | None = None) -> dict[str, float]:
    """Balanced accuracies in percent, "SPACE %" (mean over attributes) and "SPACE ATTRIBUTE %". ``level`` is one level,
    or "all" of them together; by default each is a space, and all together. ``generator`` is not used. Raises Refusal
    for an unknown level and for images without attributes."""
    names = _levels(model, level)
    data = data._replace(fit=some(data.fit, FIT_ROWS, 0))
    attributes, values = needed("attribute_probe", data), dict[str, float]()
    for space, known, measured in _spaces(model, data, names):
        values |= values_of(space, attributes.names, _accuracies(known, measured, attributes))

    def of_pixels() -> list[float]:
        return _accuracies(*_scaled(pixels, data), attributes)

    key = (digest(data.fit), digest(data.test), attributes.names)
    return values | values_of("pixels", attributes.names, PIXELS.get(key, of_pixels))


def _levels(model: Model, level: str | None) -> dict[str, tuple[str, ...]]:
    """Names of the latents in each space of codes."""
    if not has(model, HasLevels):
        if level not in (None, "all"):
            raise Refusal(f'attribute_probe: level="{level}" was asked for, but this model has no levels; leave it out')
        return {"codes": tabled(model)}
    levels = need(model, HasLevels).levels()
    spaces = {**{name: (name,) for name in levels}, **({"all": levels} if len(levels) > 1 else {})}
    if level is not None and level not in spaces:
        raise Refusal(f'attribute_probe: no level "{level}"; this model has {", ".join(spaces)}')
    return {level: spaces[level]} if level else spaces


def _spaces(
    model: Model, data: Splits, spaces: dict[str, tuple[str, ...]]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name of the space, and what is learned from and measured, one space in memory at a time."""
    for space, latents in spaces.items():
        parts = [_scaled(_reader(model, name), data) for name in latents]
        root = np.float32(len(parts) ** 0.5)
        known, measured = (np.concatenate(side, 1) / root for side in zip(*parts, strict=True))
        yield space, known, measured


def _reader(model: Model, latent: str) -> Reader:
    encoder = need(model, Encodes)
    return lambda images: rows_of(model, images, lambda image: encoder.encode(image).mode()[latent].flatten(1))


def _scaled(read: Reader, data: Splits) -> tuple[np.ndarray, np.ndarray]:
    """Both splits centred, and scaled by one number so that the mean squared norm is 1: then C means the same whatever
    the width. One number keeps the space's geometry, as in the score probe."""
    known, measured = read(data.fit), read(data.test)
    centre = known.mean(0)
    known -= centre
    measured -= centre
    norm = np.float32(np.linalg.norm(known) / len(known) ** 0.5) or np.float32(1)
    known /= norm
    measured /= norm
    return known, measured


def _accuracies(known: np.ndarray, measured: np.ndarray, attributes: Attributes) -> list[float]:
    """In percent, of each attribute."""
    found = []
    for fit, test in zip(attributes.fit.T, attributes.test.T, strict=True):
        use = fit >= 0
        answer = learned(known if use.all() else known[use], fit[use], measured)
        found.append(100 * balanced(answer, test))
    return found


def learned(x: np.ndarray, y: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Answers bool [m] for ``measured`` [m, d] of the machine that learned y [n] in {0, 1} from x [n, d], with the C
    that is best on held-out rows. At least ``HELD`` rows must be positive, and as many negative."""
    order, held = np.random.default_rng(0), np.zeros(len(y), bool)
    for side in (0, 1):
        rows = order.permutation(np.flatnonzero(y == side))
        held[rows[: len(rows) // HELD]] = True
    tried = {c: balanced(_machine(x[~held], y[~held], c, x[held]), y[held]) for c in GRID}
    return _machine(x, y, max(tried, key=lambda c: (tried[c], -c)), measured)


def _machine(x: np.ndarray, y: np.ndarray, c: float, measured: np.ndarray) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=c, class_weight="balanced", dual="auto", tol=TOLERANCE, max_iter=STEPS, random_state=0)
    with warnings.catch_warnings():  # the limit on steps is part of the protocol
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(x, y)
    # By hand: predict would copy wide codes to float64.
    answer: np.ndarray = measured @ machine.coef_[0].astype(np.float32) + machine.intercept_[0] > 0
    return answer
