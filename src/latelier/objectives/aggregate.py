"""What the codes of all images together are like, from a batch of posteriors q(z|x) = N(mean, exp(log_variance)): the
density of their mixture q(z), how far its numbers hang on each other, and their covariance. Legend: b images, k
numbers."""

import math
from typing import Literal

import torch
from torch import Generator, Tensor

from latelier.objectives.noise import uniform
from latelier.objectives.reduction import wide

Sampling = Literal["stratified", "weighted"]


def log_shares(batch: int, images: int, sampling: Sampling, like: Tensor) -> Tensor:
    """[batch, batch], the log of how much image j of a batch counts in the mixture of all ``images`` at a code of image
    i, which is in the mixture itself (Chen et al. 2018, arXiv 1802.04942, appendix C).

    ``stratified``: 1 / images for i itself, and the others stand for all the rest, (images - 1) / images between them:
    the mixture's density is met in the mean. That is the source's, averaged over the order of the batch. ``weighted``:
    1 / (images * batch) for each, which does not; the number of images then changes values and no gradient."""
    images = max(images, batch)
    if sampling == "weighted":
        return like.new_full((batch, batch), -math.log(images * batch))
    others = math.log((images - 1) / (images * (batch - 1))) if batch > 1 else 0.0
    return like.new_full((batch, batch), others).fill_diagonal_(-math.log(images))


def total_correlation(
    z: Tensor, mean: Tensor, log_variance: Tensor, images: int, sampling: Sampling = "stratified"
) -> Tensor:
    """[b] nats: log q(z) - sum_j log q(z_j) at one code z [b, k] of each image of a batch, an estimate whose mean over
    codes is KL(q(z) || prod_j q(z_j)) but for the bias of logs of a batch's mixture. Memory grows as b^2 k."""
    z, mean, log_variance = (wide(part).flatten(1) for part in (z, mean, log_variance))
    square = (z[:, None] - mean).square() * log_variance.neg().exp()
    each = -0.5 * (square + log_variance)  # [i, j, k]: log density of i's code under j's, but for 2 pi, which cancels
    share = log_shares(len(z), images, sampling, each)
    return (each.sum(2) + share).logsumexp(1) - (each + share[..., None]).logsumexp(1).sum(1)


def covariance(x: Tensor) -> Tensor:
    """[k, k] of the rows of x [b, k], over b."""
    apart = wide(x) - wide(x).mean(0)
    return apart.T @ apart / len(x)


def permuted(z: Tensor, generator: Generator) -> Tensor:
    """Codes [b, k] whose numbers are each taken from another image of the batch by an order of its own, so that each
    number is distributed as before and none hangs on another (Kim & Mnih 2018, arXiv 1802.05983, algorithm 1)."""
    return z.gather(0, uniform(z.detach(), generator).argsort(0))


def identity_gap(moments: Tensor, off_diagonal: float, diagonal: float) -> Tensor:
    """off_diagonal * sum_{i != j} C_ij^2 + diagonal * sum_i (C_ii - 1)^2 of a covariance C [k, k], a scalar (Kumar et
    al. 2018, arXiv 1711.00848, eqs. 6 and 7)."""
    on = torch.diagonal(moments)
    return off_diagonal * (moments.square().sum() - on.square().sum()) + diagonal * (on - 1).square().sum()
