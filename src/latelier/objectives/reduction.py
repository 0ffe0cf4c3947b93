"""What every objective does at its door and at its end: widen the numbers, add up all but the batch."""

import torch
from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """x in float32 at least. A log-density adds up thousands of terms, which bfloat16 from autocast cannot hold."""
    return x if x.dtype == torch.float64 else x.float()


def summed(x: Tensor, *, keep: int = 1) -> Tensor:
    """Sum over all but the first ``keep`` axes: [b, ...] -> [b]; with ``keep=2`` [s, b, ...] -> [s, b]."""
    # Flattening would copy a channels-last tensor; and an empty list of axes would mean all of them.
    return x.sum(dim=tuple(range(keep, x.ndim))) if x.ndim > keep else x


def aligned(x: Tensor, y: Tensor) -> bool:
    """Whether one shape is the other plus leading axes. Anything else would broadcast in silence to a wrong sum."""
    shared = min(x.ndim, y.ndim)
    return x.shape[x.ndim - shared :] == y.shape[y.ndim - shared :]
