"""Whether reconstructions and samples lie where images lie, and reach all of them: precision and recall
(Kynkaanniemi et al. 2019, arXiv 1904.06991), density and coverage (Naeem et al. 2020, arXiv 2002.09797)."""

from typing import NamedTuple

import numpy as np
from torch import Generator

from latelier.core import Decodes, Model
from latelier.errors import Refusal
from latelier.scores.common import Splits
from latelier.scores.extractor import INCEPTIONS, OTHERS, OWN, SETS, Features, called, compared

needs = (Decodes,)
ON_REQUEST = True  # it reads as many images as fid
LIMIT = 10_000
NEAR, DENSE = 3, 5  # the papers' k
ROUNDING = 1e-9  # by which distances of the same two rows may differ; an image on the edge of a ball is inside
PROTOCOL = (
    "A ball about each image reaches to its k-th nearest neighbour in its own set, in a space of features. Precision: "
    "the share of drawn images in some ball of a test image; recall: the share of test images in some ball of a drawn "
    f"image (Kynkaanniemi et al. 2019, eqs. 1 and 2; k = {NEAR}, or the option near). Density: the mean number of test "
    "images' balls that a drawn image is in, over k, which may exceed 1; coverage: the share of test images whose ball "
    f"holds a drawn image (Naeem et al. 2020, section 3; k = {DENSE}, or the option dense). Balls are closed. Drawn "
    f"are {SETS} By default in {OWN} They compare only with each other; {OTHERS}. Values named Inception, with the "
    f"option weights, are in {INCEPTIONS}; the papers took VGG-16. All depend on the number of images: compare at the "
    "same n."
)


class Spread(NamedTuple):
    """The four values of one set beside another."""

    precision: float
    recall: float
    density: float  # 0 or more
    coverage: float


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    weights: str | None = None,
    features: Features = "random",
    near: int = NEAR,
    dense: int = DENSE,
) -> dict[str, float]:
    """Precision, recall and coverage in [0, 1], and density, of reconstructions, of samples where the model has a
    prior, and of training images. ``weights`` is a safetensors file of torchvision's inception_v3 state dict. Raises
    Refusal for one that does not fit, for a k below 1 or not below the number of images of a split, and for images
    that are not finite.
    ``features`` are those of an untrained trunk (random), a judge's or pixels; weights go with the first alone."""
    fewest, most = min(len(data.fit), len(data.test)), max(near, dense)
    if min(near, dense) < 1 or most >= fewest:
        raise Refusal(
            f"precision_recall: near={near} and dense={dense} are numbers of neighbours, from 1 to less than the "
            f"{fewest} images of the smaller split; give others, or more images"
        )
    truth, sets, quality = compared("precision_recall", model, data, generator, weights, features)
    values: dict[str, float] = {}
    for kind, rows in sets.items():
        for name, value in spread(truth, rows, near, dense)._asdict().items():
            values[f"{called(f'Inception {name}', name, weights, features)} of {kind}"] = value
    return values | quality


def spread(truth: np.ndarray, drawn: np.ndarray, near: int = NEAR, dense: int = DENSE) -> Spread:
    """Of ``drawn`` [m, d] beside ``truth`` [n, d], both with more rows than neighbours are asked for."""
    truth, drawn = (rows.astype(np.float64) for rows in (truth, drawn))
    about_truth, about_drawn = radii(truth, near), radii(drawn, near)
    balls, _ = within(truth, about_truth, drawn)
    reached, _ = within(drawn, about_drawn, truth)
    dense_balls, holding = within(truth, radii(truth, dense), drawn)
    return Spread(
        precision=float((balls > 0).mean()),
        recall=float((reached > 0).mean()),
        density=float(dense_balls.mean() / dense),
        coverage=float((holding > 0).mean()),
    )


def radii(rows: np.ndarray, k: int) -> np.ndarray:
    """[n]: each row's distance to its k-th nearest other row, of rows [n, d], n more than k."""
    from sklearn.neighbors import NearestNeighbors

    found: np.ndarray = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows).kneighbors()[0]
    return found[:, -1]


def within(centres: np.ndarray, radius: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many balls each of the points [m, d] is in, int64 [m], and how many points each ball holds, int64 [n]."""
    from sklearn.metrics import pairwise_distances_chunked

    balls, holding = [], np.zeros(len(centres), np.int64)
    for block in pairwise_distances_chunked(points, centres, metric="euclidean"):
        inside = block <= radius * (1 + ROUNDING)
        balls.append(inside.sum(1))
        holding += inside.sum(0)
    return np.concatenate(balls), holding
