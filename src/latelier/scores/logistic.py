"""Error of logistic regression on frozen codes or features, learned from all labels: the lecture's table of
unsupervised methods."""

import numpy as np
from torch import Generator

from latelier.core import Encodes, Model
from latelier.errors import Refusal
from latelier.learners import regression
from latelier.learners.space import scaling
from latelier.scores.common import Splits, errors, majority, rows_at

needs = (Encodes,)
NEEDS_LABELS = True
ON_REQUEST = True
LIMIT = 1_000_000
GRID = (0.001, 0.01, 0.1, 1.0)  # C tried
HELD = 6  # one image in this many is held out to choose C
PROTOCOL = (
    "Error on test images of multinomial logistic regression (converged) on all labelled images of the "
    f"training split. C out of {', '.join(map(str, GRID))} is the one with the least error on a sixth of them, held "
    "out; then all are learned from. The space is centred and scaled by one number. Majority: the error of naming the "
    "commonest class of the test images always. Balanced: the mean over classes, where a test class is over 1.5 times "
    "another."
)


def score(model: Model, data: Splits, generator: Generator, *, depth: str | None = None) -> dict[str, float]:
    """Errors in percent on the codes, or on the features of ``depth``, and on raw pixels with ``depth="pixels"``;
    "chosen C" and its "held-out error %" beside it. Raises Refusal for an unknown depth."""
    fit = data.fit.take(np.flatnonzero(data.fit.label >= 0))
    if len(np.unique(fit.label)) < 2 or len(fit) < 2 * HELD:
        raise Refusal(f"logistic: {data.fit.source or 'these images'} must have labels of two or more classes")
    known, measured = (rows_at("logistic", model, images, depth) for images in (fit, data.test))
    known, measured = map(scaling(known), (known, measured))
    held = np.random.default_rng(0).permutation(len(fit)) < len(fit) // HELD
    tried = {c: regression.fit(known[~held], fit.label[~held], c).predict(known[held]) for c in GRID}
    wrong = {c: 100 * float((answer != fit.label[held]).mean()) for c, answer in tried.items()}
    best = min(wrong, key=lambda c: (wrong[c], c))
    return {
        **errors("error %", regression.fit(known, fit.label, best).predict(measured), data.test.label),
        "held-out error %": wrong[best],
        "chosen C": best,
        "majority error %": 100 - majority(data.test.label),
    }
