"""Noise of draws. It comes from the generator's device: a CPU generator gives a GPU model the numbers that it gives a
CPU one."""

import torch
from torch import Generator, Tensor


def normal(like: Tensor, generator: Generator, same: bool = False) -> Tensor:
    """Standard normal numbers in the shape of ``like``; with ``same`` its first axis is left out: all rows share
    them."""
    shape = like.shape[1:] if same else like.shape
    return torch.randn(shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)


def uniform(like: Tensor, generator: Generator, same: bool = False) -> Tensor:
    """The same, uniform in [0, 1)."""
    shape = like.shape[1:] if same else like.shape
    return torch.rand(shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)
