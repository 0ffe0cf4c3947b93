"""Maximum mean discrepancy (squared) between two samples: how far the codes are from the prior, from draws alone.

MMD^2(p, q) = E k(x, x') - 2 E k(x, y) + E k(y, y') with x, x' ~ p and y, y' ~ q (Gretton et al. 2012, lemma 6).
The biased estimate is never negative, and between draws of one law stands about 1/n + 1/m above zero; the unbiased one
is zero on average, so it can be negative. Memory grows as n * m: compare thousands of codes, not millions.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from latelier.objectives.reduction import wide


@dataclass(frozen=True)
class Gaussian:
    """k = exp(-r^2 / (2 bandwidth^2)). ``None`` is d / sqrt(2) for codes of d numbers: k = exp(-r^2 / d^2), the kernel
    of the InfoVAE authors' code."""

    bandwidth: float | None = None

    def __call__(self, squared_distance: Tensor, dimension: int) -> Tensor:
        """Similarity at each squared distance r^2 between codes of ``dimension`` numbers."""
        bandwidth = dimension / math.sqrt(2) if self.bandwidth is None else self.bandwidth
        return (squared_distance / (-2 * bandwidth**2)).exp()


@dataclass(frozen=True)
class InverseMultiquadratic:
    """k = sum over scales of c / (c + r^2) with c = 2 d * scale for codes of d numbers (Tolstikhin et al. 2018). Heavy
    tails leave a gradient where a Gaussian kernel in many dimensions has none."""

    scales: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

    def __call__(self, squared_distance: Tensor, dimension: int) -> Tensor:
        """Similarity at each squared distance r^2 between codes of ``dimension`` numbers."""
        total = torch.zeros_like(squared_distance)
        for scale in self.scales:  # added up in place: seven blocks side by side take three times as long
            c = 2 * dimension * scale
            total += c / (c + squared_distance)
        return total


Kernel = Gaussian | InverseMultiquadratic
INFOVAE = Gaussian()


def shares(x: Tensor, y: Tensor, *, kernel: Kernel = INFOVAE, biased: bool = True) -> Tensor:
    """Each row's share of MMD^2: x [n, d], y [m, d] -> [n], whose mean is ``squared(x, y)``, gradient and all.

    One value an image, so that a penalty on a batch of codes adds to its other terms; a single share may be negative.
    """
    x, y = wide(x), wide(y)
    dimension = x.shape[1]
    within, across, prior = (kernel(_squared_distances(a, b), dimension) for a, b in ((x, x), (x, y), (y, y)))
    return _row_means(within, biased) - 2 * across.mean(1) + _row_means(prior, biased).mean()


def squared(x: Tensor, y: Tensor, *, kernel: Kernel = INFOVAE, biased: bool = True) -> Tensor:
    """MMD^2 between the samples x [n, d] and y [m, d], a scalar. Unbiased needs n and m of at least 2."""
    return shares(x, y, kernel=kernel, biased=biased).mean()


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """[n, d], [m, d] -> [n, m]. By one matrix product: no [n, m, d] block, and no square root to differentiate at 0."""
    with torch.autocast(x.device.type, enabled=False):  # autocast would run the product in bfloat16
        return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)


def _row_means(similarity: Tensor, biased: bool) -> Tensor:
    """Mean similarity of each point to its own sample [n, n] -> [n]; unbiased leaves out the point itself."""
    if biased:
        return similarity.mean(1)
    return (similarity.sum(1) - similarity.diagonal()) / (len(similarity) - 1)
