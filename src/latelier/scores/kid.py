"""How far reconstructions and samples are from the test images as a set: kernel distances of features (KID)."""

import numpy as np
from torch import Generator

from latelier.core import Decodes, Model
from latelier.errors import Refusal
from latelier.scores.common import Splits
from latelier.scores.extractor import INCEPTIONS, OTHERS, OWN, SETS, Features, called, compared

needs = (Decodes,)
ON_REQUEST = True  # it reads as many images as fid
LIMIT = 10_000
SIZE = 1_000  # images of each set in a subset, at most
PROTOCOL = (
    "Squared maximum mean discrepancy, unbiased, with the kernel (x.y / d + 1)^3 on d features (Binkowski et al. 2018, "
    "arXiv 1801.01401, section 4) between the test images and these: " + SETS + " Mean and sd over subsets (100 unless "
    f"the option subsets says otherwise), each of {SIZE:,} images of either set, or of half the smaller set where that "
    f"is less, drawn by the seed without repetition. Values named kernel distance are in {OWN} They compare only with "
    f"each other and are no KID; {OTHERS}. Values named KID, with the option weights, are in {INCEPTIONS}; most "
    "published KIDs used another graph and other weights, and differ. Unbiased: of two equal laws it is 0 on average, "
    "now and then below, at any n."
)


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    weights: str | None = None,
    subsets: int = 100,
    features: Features = "random",
) -> dict[str, float]:
    """Kernel distances, mean and sd over subsets, of reconstructions, of samples where the model has a prior, and of
    training images. ``weights`` is a safetensors file of torchvision's inception_v3 state dict. Raises Refusal for one
    that does not fit, for fewer than four images of a split or one subset, and for images that are not finite.
    ``features`` are those of an untrained trunk (random), a judge's or pixels; weights go with the first alone."""
    fewest = min(len(data.fit), len(data.test))
    if fewest < 4 or subsets < 1:
        raise Refusal(f"kid: 4 images a split and 1 subset are needed at least, not {fewest} and {subsets}; give more")
    name = called("KID", "kernel distance", weights, features)
    truth, sets, quality = compared("kid", model, data, generator, weights, features)
    values: dict[str, float] = {}
    for kind, rows in sets.items():
        order = np.random.default_rng(generator.initial_seed() % 2**32)  # the same subsets for every kind
        size = min(SIZE, len(truth) // 2, len(rows) // 2)
        drawn = [distance(_subset(truth, size, order), _subset(rows, size, order)) for _ in range(subsets)]
        values |= {f"{name} of {kind}": float(np.mean(drawn)), f"{name} of {kind} sd": float(np.std(drawn))}
    return values | quality


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Unbiased MMD^2 of two sets of as many rows [n, d], n at least 2."""
    n = len(one)
    within = sum(kernel.sum() - np.trace(kernel) for kernel in (_cubic(one, one), _cubic(other, other)))
    return float(within / (n * (n - 1)) - 2 * _cubic(one, other).mean())


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    values: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return values


def _subset(rows: np.ndarray, size: int, order: np.random.Generator) -> np.ndarray:
    return rows[order.choice(len(rows), size, replace=False)].astype(np.float64)
