"""The energy distance between two sets of vectors, in shares (Szekely & Rizzo 2013, J. Stat. Plan. Inference 143,
1249-1272): 0 in the mean where both are of one law, above 0 where they are not."""

import torch
from torch import Tensor


def shares(x: Tensor, y: Tensor) -> Tensor:
    """[b] of x and y [b, d], b at least 2: the mean is the unbiased estimate of 2 E|x - y| - E|x - x'| - E|y - y'|."""
    b = len(x)
    across = torch.cdist(x, y).mean(1)
    within = sum(torch.cdist(side, side).sum(1) / (b - 1) for side in (x, y))
    return 2 * across - within
