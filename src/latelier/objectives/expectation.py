"""Expectations over the positions of a pooling, in closed form."""

import torch
from torch import Tensor
from torch.nn import functional

from latelier.nets.unpool import Tiling


def beyond_the_mean(dictionary: Tensor, chance: Tensor, tiling: Tiling) -> Tensor:
    """[maps, n]: by how much the squared error, summed over a block's positions, is above that of the mean over them,
    for a value of 1: |d|^2 - |sum over m of p(m) d_m|^2, with d_m the dictionary entry at position m."""
    maps, side = len(dictionary), tiling.side
    corner = torch.eye(tiling.positions, device=dictionary.device).view(-1, 1, side, side).expand(-1, maps, -1, -1)
    placed = functional.conv_transpose2d(corner, dictionary, groups=maps)  # [m, maps c, ...]
    entries = placed.unflatten(1, (maps, -1)).transpose(0, 1).flatten(2)  # [maps, m, ...]
    overlap = entries @ entries.transpose(1, 2)
    energy = dictionary.square().sum((1, 2, 3))[:, None]
    beyond: Tensor = energy - (chance * (overlap @ chance)).sum(1)
    return beyond.clamp(min=0)
