"""Named numbers on the attributes that a model has learned: a part of ``facts``.

attribute NAME              % balanced accuracy of the model's own classifier, (TPR + TNR) / 2; a constant answer has
                            50. Attributes are left out that fewer than five of the measured images have, or lack
attributes balanced         its mean; beside it "attributes error", a standard error of it, and "attributes balanced
                            of pixels", of logistic regression on PCA of pixels from as many labels, of which there
                            are "attributes labels" (a mean)
attributes right            % plain accuracy, a mean; beside it "attributes commonest", of always the commoner value
edits by 3, edits by 6      % of a judge's verdicts on an attribute that change where an image's code is moved by this
                            many steps, towards it where the reconstruction lacks it, else away; a mean over the
                            first three attributes. The judge learned from real images, knows nothing of the model
                            and is right on "edits judge" % of others (balanced); there are none where it is no judge
"""

import math
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from latelier.codes.rows import device_of, pixels, rows_of, some
from latelier.core import AttributeDirections, Decodes, Directions, Encodes, Model, has, need
from latelier.data.attributes import hide_attributes, with_attributes
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.learners.regression import fit as regression
from latelier.learners.space import principal, scaling
from latelier.nets.eval_mode import evaluating
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, moved, steps_towards
from latelier.objectives.directions import place as column
from latelier.scores.attributes import balanced
from latelier.uses.judging import witness

FEWEST = 5  # measured images that have an attribute, and as many that lack it
LABELS = 1_000  # images that the baseline learns from at most
EDITED, ATTRIBUTES = 100, 3  # images that are edited, and attributes
ROWS, STEPS = 2_000, 60  # images and batches that a judge learns from: a second or two
DELTAS = (3.0, 6.0)  # steps: what latelier edit goes by itself, and what it advises where that hardly shows
JUDGES = 65.0  # %: who is right less often is no judge


def attributed(model: Model, fit: Images, test: Images, labels: int | None) -> dict[str, float]:
    """Of the model's classifier and of edits along its directions, on test images. ``labels`` is how many a side the
    model learned from, all if none; empty where the images do not show its attributes."""
    directions = need(model, AttributeDirections).directions()
    try:
        fit, test = with_attributes(fit), with_attributes(test)
    except Refusal:
        return {}
    names = tuple(
        name
        for name in directions.names
        if name != FAKE and name in fit.attributes and name in test.attributes and _both(test, name, FEWEST)
    )
    if not names:
        return {}
    fit, test = with_attributes(fit, names), with_attributes(test, names)
    return _classified(model, directions, test) | _baseline(fit, test, labels) | _edited(model, directions, fit, test)


def _both(images: Images, name: str, least: int) -> bool:
    values = images.attribute[:, images.attributes.index(name)]
    return bool(min((values == 1).sum(), (values == 0).sum()) >= least)


def _classified(model: Model, directions: Directions, test: Images) -> dict[str, float]:
    """How often the model's own classifier is right."""
    encoder, columns = need(model, Encodes), [column(directions, name) for name in test.attributes]
    odds = rows_of(model, test, lambda image: log_odds(directions, encoder.encode(image).mode())[:, columns])
    found, right, common, errors = dict[str, float](), list[float](), list[float](), list[float]()
    for name, answer, truth in zip(test.attributes, odds.T > 0, test.attribute.T, strict=True):
        found[f"attribute {name}"] = 100 * balanced(answer, truth)
        known = truth >= 0
        right.append(float((answer == (truth == 1))[known].mean()))
        common.append(float(max((truth == side)[known].mean() for side in (0, 1))))
        errors.append(math.hypot(*(_error((answer == side)[truth == side]) / 2 for side in (0, 1))))
    return {
        **found,
        "finite": float(np.isfinite(odds).all()),
        "attributes balanced": float(np.mean(list(found.values()))),
        "attributes error": 100 * float(np.mean(errors)),  # of one image all answers may be wrong together
        "attributes right": 100 * float(np.mean(right)),
        "attributes commonest": 100 * float(np.mean(common)),
    }


def _error(right: np.ndarray) -> float:
    """The standard error of a share, as if two more images had gone either way."""
    n = len(right) + 2
    share = (right.sum() + 1) / n
    return math.sqrt(share * (1 - share) / n)


def _baseline(fit: Images, test: Images, labels: int | None) -> dict[str, float]:
    """Balanced accuracy of logistic regression on PCA of pixels, from as many labels as the model had."""
    if labels is not None:
        with suppress(Refusal):  # fewer may be left here than there were in training
            fit = hide_attributes(fit, labels, 0)
    fit = some(fit.take(np.flatnonzero((fit.attribute >= 0).any(1))), LABELS, 0)
    if not all(_both(fit, name, 1) for name in fit.attributes):
        return {}
    known = pixels(fit)
    pca = principal(known)
    scaled = scaling(space := pca.transform(known))
    space, measured = scaled(space), scaled(pca.transform(pixels(test)))
    found, counts = list[float](), list[int]()
    for label, truth in zip(fit.attribute.T, test.attribute.T, strict=True):
        use = label >= 0
        answer = regression(space[use], label[use]).predict(measured)
        found.append(balanced(answer == 1, truth))
        counts.append(int(use.sum()))
    return {
        "attributes balanced of pixels": 100 * float(np.mean(found)),
        "attributes labels": float(round(np.mean(counts))),
    }


def _edited(model: Model, directions: Directions, fit: Images, test: Images) -> dict[str, float]:
    """How many of a judge's verdicts edits change."""
    if not has(model, Decodes):
        return {}
    with torch.enable_grad():  # facts are measured without
        judge = witness(some(fit, ROWS, 0), test.attributes[:ATTRIBUTES], device_of(model), STEPS)
    if judge is None or not 100 * judge.right >= JUDGES:
        return {}
    encoder, decoder = need(model, Encodes), need(model, Decodes)

    def changed(image: Tensor) -> Tensor:
        """[b, names * deltas]: 1 where the verdict on the attribute is another than on the reconstruction."""
        code = encoder.encode(image).mode()
        before, found = judge(decoder.decode(code)) > 0.5, list[Tensor]()
        for place, name in enumerate(judge.names):
            step = steps_towards(directions, [name], ~before[:, [place]])
            seen = [judge(decoder.decode(moved(code, step, by)))[:, place] > 0.5 for by in DELTAS]
            found += [(one != before[:, place]).float() for one in seen]
        return torch.stack(found, 1)

    with evaluating(model):
        shares = rows_of(model, some(test, EDITED, 0), changed).reshape(-1, len(judge.names), len(DELTAS)).mean((0, 1))
    values = {f"edits by {by:g}": 100 * float(share) for by, share in zip(DELTAS, shares, strict=True)}
    return values | {"edits judge": 100 * judge.right}
