"""Whether the categories that a model found by itself are the classes: clustering accuracy, NMI and ARI."""

import numpy as np
from torch import Generator

from latelier.codes.rows import pixels, rows_of, some
from latelier.core import Clusters, Model, need
from latelier.errors import Refusal
from latelier.scores.common import Splits

needs = (Clusters,)
NEEDS_LABELS = True
ON_REQUEST = True  # most methods find categories only where a setting asks for them
LIMIT = 10_000
FIT_ROWS = 10_000
RESTARTS = 3
PROTOCOL = (
    "Each image is in the likeliest of the model's categories. Accuracy: categories and classes are matched one to one "
    f"(Hungarian method) on at most {FIT_ROWS:,} labelled training images, drawn by seed 0, and the share of labelled "
    "test images in the category of their class is given; one without a class is wrong. NMI: mutual information by the "
    "arithmetic mean of the entropies; ARI: adjusted Rand index; both on test images, 1 is best, ARI of chance is 0. "
    f"k-means: as many clusters of the pixels of the same training images, the best of {RESTARTS} starts."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """Accuracy in percent, NMI and ARI, of the model's categories and of k-means on pixels. Raises Refusal for a model
    that was not asked for categories."""
    fit = some(data.fit.take(np.flatnonzero(data.fit.label >= 0)), FIT_ROWS, 0)
    test = data.test.take(np.flatnonzero(data.test.label >= 0))
    clusters = need(model, Clusters).clusters
    known, found = (rows_of(model, images, clusters) for images in (fit, test))
    if known.shape[1] < 2:
        raise Refusal("clustering: this model has no categories; train it with some (infogan: --set categories=10)")
    values = _agreement("categories", known.argmax(1), found.argmax(1), fit.label, test.label)
    return values | _agreement("k-means", *_kmeans(pixels(fit), pixels(test), known.shape[1]), fit.label, test.label)


def _agreement(
    name: str, known: np.ndarray, found: np.ndarray, of_known: np.ndarray, of_found: np.ndarray
) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    named = matched(known, of_known)
    right = np.array([named.get(int(category), -1) for category in found]) == of_found
    return {
        f"{name} %": 100 * float(right.mean()),
        f"{name} NMI": float(normalized_mutual_info_score(of_found, found)),
        f"{name} ARI": float(adjusted_rand_score(of_found, found)),
    }


def matched(category: np.ndarray, label: np.ndarray) -> dict[int, int]:
    """Category -> class, one to one, such that most images [n] are in the category of their class."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((category.max() + 1, label.max() + 1), np.int64)
    np.add.at(table, (category, label), 1)
    return {int(row): int(column) for row, column in zip(*linear_sum_assignment(-table), strict=True)}


def _kmeans(fit: np.ndarray, test: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans

    means = KMeans(min(clusters, len(fit)), n_init=RESTARTS, random_state=0).fit(fit)
    return means.labels_, means.predict(test)
