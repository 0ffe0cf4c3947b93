"""Pooling that keeps one value of a block, and unpooling that puts a value back at one position of it.

Legend: c maps, m positions of a block (row by row), n blocks of a whole batch (b * rows * columns). Blocks lie as
[c, m, n]: sums over positions run along memory, and what is learned of a map is one product of matrices.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

OUTSIDE = -1e9


@dataclass(frozen=True)
class Tiling:
    """Blocks of side x side over a map of height x width. The last row and column of blocks may stand over the edge:
    what lies outside is zero and no position of the block."""

    side: int
    height: int
    width: int

    @property
    def positions(self) -> int:
        return self.side**2

    @property
    def rows(self) -> int:
        return math.ceil(self.height / self.side)

    @property
    def columns(self) -> int:
        return math.ceil(self.width / self.side)

    def split(self, map: Tensor) -> Tensor:
        """[b, c, height, width] -> [c, m, n]."""
        p = self.side
        if not self.whole:
            map = functional.pad(map, (0, p * self.columns - self.width, 0, p * self.rows - self.height))
        parts = map.unflatten(3, (self.columns, p)).unflatten(2, (self.rows, p))
        out: Tensor = parts.permute(1, 3, 5, 0, 2, 4).reshape(map.shape[1], p * p, -1)
        return out

    def join(self, blocks: Tensor) -> Tensor:
        """The inverse of ``split``: [c, m, n] -> [b, c, height, width]."""
        c, p = len(blocks), self.side
        parts = blocks.view(c, p, p, -1, self.rows, self.columns).permute(3, 0, 4, 1, 5, 2)
        map: Tensor = parts.reshape(-1, c, self.rows * p, self.columns * p)
        return map[:, :, : self.height, : self.width]

    def flat(self, pooled: Tensor) -> Tensor:
        """[b, c, rows, columns] -> [c, n]."""
        return pooled.transpose(0, 1).flatten(1)

    def unflat(self, values: Tensor) -> Tensor:
        """[c, n] -> [b, c, rows, columns]."""
        out: Tensor = values.unflatten(1, (-1, self.rows, self.columns)).transpose(0, 1)
        return out

    @property
    def cells(self) -> int:
        """Blocks of one map of one image."""
        return self.rows * self.columns

    @property
    def whole(self) -> bool:
        """Whether no block stands over the edge."""
        return self.height % self.side == 0 and self.width % self.side == 0

    def masked(self, values: Tensor) -> Tensor:
        """[c, m, n], very small (but finite: zero times infinity is no number) at positions outside the map."""
        if self.whole:
            return values
        inside = self.inside(values.device).repeat(1, values.shape[2] // self.cells)
        return values.masked_fill(~inside, OUTSIDE)

    def even(self, maps: int, images: int, device: torch.device) -> Tensor:
        """log p of positions that are drawn evenly, [maps, m, images * cells]."""
        return self.masked(torch.zeros(maps, self.positions, images * self.cells, device=device)).log_softmax(1)

    def inside(self, device: torch.device) -> Tensor:
        """bool [m, cells]: whether a position of a block lies on the map."""
        on = torch.ones(1, 1, self.height, self.width, device=device)
        return self.split(on)[0] > 0


def pool(blocks: Tensor, weight: Tensor) -> Tensor:
    """Blocks [c, m, n] -> [c, n]: of each the value at the position whose weight is 1, or the weighted mean."""
    return (blocks * weight).sum(1)


def unpool(values: Tensor, weight: Tensor) -> Tensor:
    """[c, n] -> [c, m, n]: each value at the position whose weight is 1, zero elsewhere."""
    return values[:, None] * weight


def one_hot(position: Tensor, positions: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """[c, n] numbers of positions -> [c, m, n]."""
    every = torch.arange(positions, device=position.device, dtype=position.dtype)[None, :, None]
    return (position[:, None] == every).to(dtype)


@torch.no_grad()
def largest(values: Tensor) -> Tensor:
    """[c, m, n] -> numbers [c, n] of the positions of the largest values, of equal ones the first. By the largest value
    and who has it: on a CPU ``argmax`` along an axis that is not the last takes twenty times as long."""
    positions = values.shape[1]
    number = torch.arange(positions, device=values.device, dtype=torch.uint8)[:, None]
    return torch.where(values == values.amax(1, keepdim=True), number, positions).amin(1)


class MapLinear(nn.Module):
    """A linear layer of its own for each map: [c, below, n] -> [c, above, n]."""

    def __init__(self, maps: int, below: int, above: int, bias: bool = True):
        super().__init__()
        bound = 1 / math.sqrt(below)
        self.weight = nn.Parameter(torch.empty(maps, above, below).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(maps, above, 1)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.weight @ x  # and not baddbmm, which on a CPU goes through the maps one by one
        return out if self.bias is None else out + self.bias


class Positions(nn.Module):
    """Blocks [c, m, n] -> log q(z) [c, m, n], log-probabilities of their positions: the softmax of W_1 tanh(W_2 vec)
    (Pu et al. 2016, section 2.2), with weights for each map that all of its blocks share."""

    def __init__(self, maps: int, hidden: int, tiling: Tiling):
        super().__init__()
        self.tiling = tiling
        self.lower = MapLinear(maps, tiling.positions, hidden, bias=False)
        self.upper = MapLinear(maps, hidden, tiling.positions, bias=False)

    def forward(self, blocks: Tensor) -> Tensor:
        return self.tiling.masked(self.upper(self.lower(blocks).tanh()).float()).log_softmax(1)
