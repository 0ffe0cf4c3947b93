"""How far reconstructions and samples are from the test images as a set: Frechet distances of features (FID)."""

from typing import NamedTuple

import numpy as np
from torch import Generator

from latelier.core import Decodes, Model
from latelier.scores.common import Splits
from latelier.scores.extractor import INCEPTIONS, OTHERS, OWN, SETS, Features, called, compared

needs = (Decodes,)
ON_REQUEST = True  # its own trunk alone reads 400 images of 64 px a second on one core
LIMIT = 10_000
PROTOCOL = (
    "Frechet distance |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) between the means and covariances (over n - 1) of "
    f"two sets' features, of the test images and of these: {SETS} Values named Frechet distance are in {OWN} They "
    f"compare only with each other and are no FID; {OTHERS}. Values named FID, with the option weights, are in "
    f"{INCEPTIONS}; most published FIDs used another graph and other weights, and differ. Distances of few images are "
    "too large: compare at the same n, on the same test images."
)


def score(
    model: Model, data: Splits, generator: Generator, *, weights: str | None = None, features: Features = "random"
) -> dict[str, float]:
    """Frechet distances, at least 0, of reconstructions, of samples where the model has a prior, and of training
    images. ``weights`` is a safetensors file of torchvision's inception_v3 state dict. Raises Refusal for one that does
    not fit, for fewer than two images of a split, and for images that are not finite.
    ``features`` are those of an untrained trunk (random), a judge's or pixels; weights go with the first alone."""
    name = called("FID", "Frechet distance", weights, features)
    truth, sets, quality = compared("fid", model, data, generator, weights, features)
    target = fitted(truth)
    return {f"{name} of {kind}": frechet(target, fitted(rows)) for kind, rows in sets.items()} | quality


class Gaussian(NamedTuple):
    """Mean and covariance of a set of features."""

    mean: np.ndarray  # float64 [d]
    root: np.ndarray  # float64 [r, d]; root^T root is the covariance


def fitted(rows: np.ndarray) -> Gaussian:
    """To rows [n, d], n at least 2. The root comes from the rows themselves, by QR, so that it is as exact for a
    singular covariance (n <= d) as for any other: no square root is taken of a noisy eigenvalue near 0."""
    exact = rows.astype(np.float64)
    mean = exact.mean(0)
    root: np.ndarray = np.linalg.qr((exact - mean) / np.sqrt(len(rows) - 1), mode="r")  # type: ignore[assignment]
    return Gaussian(mean, root)


def frechet(one: Gaussian, other: Gaussian) -> float:
    """Squared Frechet distance (Dowson and Landau 1982; Heusel et al. 2017, arXiv 1706.08500, eq. 6).

    With S1 = A^T A and S2 = B^T B, the eigenvalues of S1 S2 other than 0 are the squares of the singular values of
    A B^T, so that tr (S1 S2)^(1/2) is their sum."""
    shift = np.square(one.mean - other.mean).sum()
    common = np.linalg.svd(one.root @ other.root.T, compute_uv=False).sum()
    return max(0.0, float(shift + np.square(one.root).sum() + np.square(other.root).sum() - 2 * common))
