"""The convolutional encoder of a deconvolutional network (Pu et al. 2016, section 2.2 and appendix D).

The source has no nonlinearity but in the small nets that say where values stand and how codes are distributed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.nets.deconv import Layer
from latelier.nets.norm import Norm
from latelier.nets.unpool import MapLinear, Positions, largest, one_hot, pool
from latelier.objectives import categorical

# The number of a pooling, from the image upwards, and log q of its positions [c, m, n] -> weight [c, m, n].
Choice = Callable[[int, Tensor], Tensor]


class Bottom(NamedTuple):
    """What does not depend on any draw: the first filters' maps, in blocks, and log q of their positions."""

    map: Tensor  # [b, c, h, w]
    blocks: Tensor  # [c, m, n]; empty where no position is read off them
    log_q: Tensor


class Ascent(NamedTuple):
    """One way up, by chosen positions; lists from the image upwards, an entry a pooling, or none without positions."""

    log_q: list[Tensor]  # [c, m, n]
    weight: list[Tensor]  # [c, m, n], 1 at the position
    maps: list[Tensor]  # [b, c, h, w] after each pooling, and the last
    mean: Tensor  # of the code, [b, k]
    log_variance: Tensor


@dataclass(frozen=True)
class Way:
    """How a map becomes the one above it."""

    positions: bool = True  # whether blocks have some that are drawn, for the decoder
    drawn: bool = False  # whether pooling keeps the value at the drawn position, or the largest
    relu: bool = False  # of what pooling keeps
    norm: bool = False  # group normalisation of what is filtered
    cells: bool = False  # whether the code's numbers are read off the maps in one place each, or off one map each


class Upward(nn.Module):
    """Filters F, and the nets that give the positions' and the code's distributions."""

    def __init__(self, layers: Sequence[Layer], hidden: int, way: Way):
        """``hidden`` units a map in the small nets."""
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv2d(one.below, one.maps, one.kernel, bias=False) for one in layers)
        for convolution in self.filters:
            assert isinstance(convolution, nn.Conv2d)
            nn.init.normal_(convolution.weight, std=1 / math.sqrt(convolution.weight[0].numel()))
        self.norms = nn.ModuleList(Norm(one.maps) if way.norm else nn.Identity() for one in layers)
        self.tilings, self.way = [one.tiling for one in layers if one.tiling is not None], way
        maps = [one.maps for one in layers] if way.positions else []
        self.positions = nn.ModuleList(
            Positions(count, hidden, tiling) for count, tiling in zip(maps, self.tilings, strict=False)
        )
        self.top = Cells(layers[-1].maps) if way.cells else Top(layers[-1], hidden)

    def bottom(self, image: Tensor) -> Bottom:
        """Of images [b, c, h, w], centred."""
        return self._filtered(image, 0)

    def forward(self, bottom: Bottom, choose: Choice | None) -> Ascent:
        """Without a choice where pooling does not ask for one: weights are left out."""
        log_q, weights, maps = [], [], []
        for number, tiling in enumerate(self.tilings):
            if self.way.positions:
                log_q.append(bottom.log_q)
            if choose is not None and self.way.positions:
                weights.append(choose(number, bottom.log_q))
            if self.way.drawn:
                pooled = tiling.unflat(pool(bottom.blocks, weights[-1].to(bottom.blocks.dtype)))
            else:
                pooled = functional.max_pool2d(bottom.map, tiling.side, ceil_mode=True)
            maps.append(pooled.relu() if self.way.relu else pooled)
            bottom = self._filtered(maps[-1], number + 1)
        return Ascent(log_q, weights, [*maps, bottom.map], *self.top(bottom.map))

    def _filtered(self, map: Tensor, number: int) -> Bottom:
        map = self.norms[number](self.filters[number](map))
        if number == len(self.tilings) or not self.way.positions:
            return Bottom(map, map[:0], map[:0])
        blocks = self.tilings[number].split(map)
        return Bottom(map, blocks, self.positions[number](blocks))


class Top(nn.Module):
    """The last maps [b, K, h, w] -> mean and log-variance of the code, both [b, K * h * w]: a net of its own for each
    map (eq. 36-38)."""

    def __init__(self, layer: Layer, hidden: int):
        super().__init__()
        cells = layer.size[0] * layer.size[1]
        self.hidden = MapLinear(layer.maps, cells, hidden)
        self.mean = MapLinear(layer.maps, hidden, cells)
        self.log_sd = MapLinear(layer.maps, hidden, cells)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(maps.flatten(2).permute(1, 2, 0)).tanh()
        mean, log_sd = (out(hidden).float().permute(2, 0, 1).flatten(1) for out in (self.mean, self.log_sd))
        return mean, 2 * log_sd.clamp(-15, 10)


class Cells(nn.Module):
    """The same as ``Top``, but linear in all maps of a place and alike in each: the code is a map of what stands
    where."""

    def __init__(self, maps: int):
        super().__init__()
        self.mean, self.log_sd = nn.Conv2d(maps, maps, 1), nn.Conv2d(maps, maps, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_sd = (out(maps).float().flatten(1) for out in (self.mean, self.log_sd))
        return mean, 2 * log_sd.clamp(-15, 10)


def likeliest(number: int, log_q: Tensor) -> Tensor:
    """The positions of the largest probability, the first of equal ones."""
    return one_hot(largest(log_q), log_q.shape[1])


def hard(generator: Generator) -> Choice:
    """Positions drawn from q."""
    return lambda number, log_q: one_hot(categorical.draw(log_q, generator), log_q.shape[1])


def alike(generator: Generator, images: int) -> Choice:
    """Positions drawn from q by the same numbers for each of the images: what one gets does not hang on the others."""

    def choose(number: int, log_q: Tensor) -> Tensor:
        by_cell = log_q.unflatten(2, (images, -1)).permute(0, 3, 1, 2)  # [c, cells, m, b]
        place = categorical.draw(by_cell.flatten(0, 1), generator, same=True).unflatten(0, by_cell.shape[:2])
        return one_hot(place.transpose(1, 2).flatten(1), log_q.shape[1])

    return choose


def soft(temperature: float, generator: Generator) -> Choice:
    """Relaxed draws, which a gradient passes."""
    return lambda number, log_q: categorical.relaxed(log_q, temperature, generator)


def expected(above: Choice) -> Choice:
    """Of the lowest pooling the probabilities themselves."""
    return lambda number, log_q: above(number, log_q) if number else log_q.exp()
