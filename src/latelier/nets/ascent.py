"""The convolutional encoder of a deconvolutional network (Pu et al. 2016, section 2.2 and appendix D).

There is no nonlinearity but in the small nets that say where values stand and how codes are distributed.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Generator, Tensor, nn

from latelier.nets.deconv import Layer
from latelier.nets.unpool import MapLinear, Positions, largest, one_hot, pool
from latelier.objectives import categorical

Choice = Callable[[Tensor, Tensor], Tensor]  # blocks and log q of their positions, both [c, m, n] -> weight [c, m, n]


class Bottom(NamedTuple):
    """What does not depend on any draw: the first filters' maps, in blocks, and log q of their positions."""

    map: Tensor  # [b, c, h, w]
    blocks: Tensor  # [c, m, n]; empty where nothing is pooled
    log_q: Tensor  # or, where the largest value is kept, the values


class Ascent(NamedTuple):
    """One way up, by chosen positions; lists from the image upwards, an entry a pooling."""

    log_q: list[Tensor]  # [c, m, n]
    weight: list[Tensor]  # [c, m, n], 1 at the position
    maps: list[Tensor]  # [b, c, h, w] after each pooling, and the last
    mean: Tensor  # of the code, [b, k]
    log_variance: Tensor


class Upward(nn.Module):
    """Filters F, and the nets that give the positions' and the code's distributions."""

    def __init__(self, layers: Sequence[Layer], hidden: int, drawn: bool):
        """``hidden`` units a map in the small nets; unless positions are ``drawn`` each block keeps its largest."""
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv2d(one.below, one.maps, one.kernel, bias=False) for one in layers)
        for convolution in self.filters:
            assert isinstance(convolution, nn.Conv2d)
            nn.init.normal_(convolution.weight, std=1 / math.sqrt(convolution.weight[0].numel()))
        self.tilings, self.drawn = [one.tiling for one in layers if one.tiling is not None], drawn
        maps = [one.maps for one in layers] if drawn else []
        self.positions = nn.ModuleList(
            Positions(count, hidden, tiling) for count, tiling in zip(maps, self.tilings, strict=False)
        )
        self.top = Top(layers[-1], hidden)

    def bottom(self, image: Tensor) -> Bottom:
        """Of images [b, c, h, w], centred."""
        return self._pooling(self.filters[0](image), 0)

    def forward(self, bottom: Bottom, choose: Choice) -> Ascent:
        log_q, weights, maps = [], [], []
        for number, tiling in enumerate(self.tilings):
            weight = (choose if self.drawn else likeliest)(bottom.blocks, bottom.log_q)
            pooled = tiling.unflat(pool(bottom.blocks, weight))
            log_q.append(bottom.log_q)
            weights.append(weight)
            maps.append(pooled)
            bottom = self._pooling(self.filters[number + 1](pooled), number + 1)
        return Ascent(log_q, weights, [*maps, bottom.map], *self.top(bottom.map))

    def _pooling(self, map: Tensor, number: int) -> Bottom:
        if number == len(self.tilings):
            return Bottom(map, map[:0], map[:0])
        blocks = self.tilings[number].split(map)
        return Bottom(
            map, blocks, self.positions[number](blocks) if self.drawn else self.tilings[number].masked(blocks)
        )


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


def likeliest(blocks: Tensor, log_q: Tensor) -> Tensor:
    """The positions of the largest probability, the first of equal ones."""
    return one_hot(largest(log_q), log_q.shape[1], blocks.dtype)


def hard(generator: Generator) -> Choice:
    """Positions drawn from q."""
    return lambda blocks, log_q: one_hot(categorical.draw(log_q, generator), log_q.shape[1], blocks.dtype)


def alike(generator: Generator, images: int) -> Choice:
    """Positions drawn from q by the same numbers for each of the images: what one gets does not hang on the others."""

    def choose(blocks: Tensor, log_q: Tensor) -> Tensor:
        by_cell = log_q.unflatten(2, (images, -1)).permute(0, 3, 1, 2)  # [c, cells, m, b]
        place = categorical.draw(by_cell.flatten(0, 1), generator, same=True).unflatten(0, by_cell.shape[:2])
        return one_hot(place.transpose(1, 2).flatten(1), log_q.shape[1], blocks.dtype)

    return choose


def soft(temperature: float, generator: Generator) -> Choice:
    """Relaxed draws, which a gradient passes."""
    return lambda blocks, log_q: categorical.relaxed(log_q, temperature, generator)
