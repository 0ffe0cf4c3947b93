"""Which way attributes lie in a model's code: as it has learned them, or by linear classifiers fitted after the fact on
the codes of a model that knew nothing of them."""

import warnings
from typing import NamedTuple

import numpy as np
import torch

from latelier.core import AttributeDirections, Directions, Encodes, HasLevels, Model, Refusal, has, need
from latelier.data.attributes import with_attributes
from latelier.data.images import Images
from latelier.scores.common import device_of, rows_of, some

ROWS = 5_000  # pictures that classifiers are fitted on
FEWEST = 2  # of them that must have an attribute, and as many that must not
STEPS = 300
LINEAR = ("gaussian", "uniform", "point")  # kinds of latents whose numbers may be moved along a line


class Found(NamedTuple):
    """Directions and where they are from."""

    directions: Directions
    said: str  # in words

    @property
    def attributes(self) -> tuple[str, ...]:
        return self.directions.names


def found(model: Model, data: Images | None) -> Found:
    """The model's own directions, else those fitted on the pictures. Raises Refusal where there are neither."""
    if has(model, AttributeDirections):
        return Found(need(model, AttributeDirections).directions(), "directions that the model has learned")
    if data is None:
        raise Refusal("this model has learned no attributes: give pictures that have some, to fit directions on")
    fit = some(with_attributes(data), ROWS, 0)
    where = data.source or "the pictures given"
    return Found(fitted(model, fit), f"directions fitted after the fact on {len(fit):,} pictures of {where}")


def fitted(model: Model, images: Images) -> Directions:
    """Logistic regressions (L-BFGS, C = 1 on codes scaled by one number) of each attribute of the pictures on the most
    likely codes. A step of 1 is one number of a Gaussian prior, elsewhere the codes' standard deviation. Raises
    Refusal where no attribute is shown both ways."""
    latents, encoder = movable(model), need(model, Encodes)
    rows = rows_of(
        model,
        images,
        lambda image: torch.cat([encoder.encode(image).mode()[name].flatten(1).float() for name in latents], 1),
    )
    spread = float(np.sqrt(rows.var(0).mean())) or 1.0
    names, weights, biases = list[str](), list[np.ndarray](), list[float]()
    for name, truth in zip(images.attributes, images.attribute.T, strict=True):
        known = truth >= 0
        if min((truth == 1).sum(), (truth == 0).sum()) < FEWEST:
            continue
        weight, bias = _machine(rows[known] / spread, truth[known])
        names.append(name)
        weights.append(weight / spread)
        biases.append(bias)
    if not names:
        raise Refusal(
            f"{images.source or 'these pictures'} have no attribute that {FEWEST} have and {FEWEST} have not, to fit "
            "a direction on"
        )
    device = device_of(model)
    whole = torch.from_numpy(np.stack(weights)).float().to(device)
    parts = whole.split([int(np.prod(model.latents[name].shape)) for name in latents], 1)
    latent_weights = {
        name: part.view(len(names), *model.latents[name].shape) for name, part in zip(latents, parts, strict=True)
    }
    unit = 1.0 if all(model.latents[name].kind == "gaussian" for name in latents) else spread
    return Directions(tuple(names), latent_weights, torch.tensor(biases, device=device), unit)


def _machine(rows: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Weight [d] and bias."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():  # the limit on steps is part of the protocol
        warnings.simplefilter("ignore", ConvergenceWarning)
        learned = LogisticRegression(max_iter=STEPS).fit(rows, truth)
    return learned.coef_[0], float(learned.intercept_[0])


def movable(model: Model) -> tuple[str, ...]:
    """Latents along which pictures can be edited: of a hierarchy the lowest level, which keeps the picture; else those
    that tables of codes hold, but for coins and classes. Raises Refusal where none is left."""
    lowest = need(model, HasLevels).levels()[:1] if has(model, HasLevels) else ()
    names = lowest or need(model, Encodes).read or tuple(model.latents)
    linear = tuple(name for name in names if model.latents[name].kind in LINEAR)
    if not linear:
        raise Refusal("this model's code cannot be moved along a line: it holds nothing but coins or classes")
    return linear
