"""Bounds on the evidence from log importance weights log p(x, z) - log q(z | x), [s, b], in nats.

Legend: s samples, b images, k samples a bound.
"""

import math
from collections.abc import Iterable

from torch import Tensor

from latelier.errors import Refusal
from latelier.objectives.reduction import wide


def elbo(log_weight: Tensor) -> Tensor:
    """The evidence lower bound, [s, b] -> [b]: the mean log weight."""
    return wide(log_weight).mean(0)


def iwae(log_weight: Tensor) -> Tensor:
    """The importance-weighted bound with all s samples, [s, b] -> [b]: log of the mean weight (Burda et al. 2016)."""
    return wide(log_weight).logsumexp(0) - math.log(len(log_weight))


def iwae_by_k(log_weight: Tensor, ks: Iterable[int]) -> dict[int, Tensor]:
    """The k-sample bound for each k, [s, b] -> {k: [b]}, averaged over the s // k disjoint groups of k samples.

    Unbiased for every k (a k that does not divide s leaves s % k samples out). Where every k divides the next, groups
    nest, and the bounds rise with k for every image, not only on average. Raises ``Refusal`` for a k outside 1..s.
    """
    samples = len(log_weight)
    bounds = {}
    for k in ks:
        if not 1 <= k <= samples:
            raise Refusal(f"a bound of {k} samples was asked of {samples} drawn; ask for 1 to {samples}, or draw more")
        groups = wide(log_weight)[: samples // k * k].unflatten(0, (-1, k))  # [groups, k, b]
        bounds[k] = (groups.logsumexp(1) - math.log(k)).mean(0)
    return bounds


def effective_samples(log_weight: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2, [s, b] -> [b]: 1 where one sample carries all the weight, s where all weigh the same."""
    return 1 / wide(log_weight).softmax(0).square().sum(0)
