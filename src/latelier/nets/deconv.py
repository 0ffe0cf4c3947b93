"""The deconvolutional network: its layers, and the way down from a code to an image (Pu et al. 2016, table 5).

Between layers lies a pooling of p x p blocks, which one position of each block survives. Convolutions are valid on the
way up and full on the way down, so that sizes close exactly whatever the kernels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latelier.errors import Refusal
from latelier.nets.unpool import Tiling, one_hot, unpool

TABLE = {  # (channels, side) -> maps, kernels, poolings: MNIST, CIFAR, Caltech 101, ImageNet
    28: ((30, 80), (8, 6), (3,)),
    32: ((48, 128, 128), (5, 5, 5), (2, 2)),
    128: ((48, 84, 84), (7, 5, 5), (4, 2)),
    256: ((96, 256, 512, 1024, 512), (5, 5, 5, 5, 5), (4, 2, 2, 2)),
}
SMALLEST = 6  # size in pixels, of either side
PIXELS = 0.1  # sd of images that fresh weights draw from the prior


@dataclass(frozen=True)
class Layer:
    """One layer seen from below: a map of ``below`` is filtered into ``maps`` of ``size``, then pooled."""

    below: int
    maps: int
    kernel: int
    size: tuple[int, int]
    tiling: Tiling | None  # none at the top


def layers_of(
    image: tuple[int, int, int], maps: Sequence[int], kernels: Sequence[int], pools: Sequence[int]
) -> list[Layer]:
    """The layers from the image upwards. Lists that are empty are the table's, or for other sizes those of ``guess``.
    Raises Refusal for lists that do not fit each other or the image."""
    default = TABLE.get(image[1]) if image[1] == image[2] else None
    found: list[Sequence[int]] = [maps, kernels, pools]
    if not len(maps) == len(kernels) == 1:  # a layer alone has no pooling
        found = [own or usual for own, usual in zip(found, default or guess(image), strict=True)]
    maps, kernels, pools = found
    if len(maps) != len(kernels) or len(pools) != len(maps) - 1 or min(*maps, *kernels, *pools, 1) < 1:
        raise Refusal(
            f"dgdn: maps {_words(maps)}, kernels {_words(kernels)} and pools {_words(pools)} do not fit: each layer "
            "has maps and a kernel, and all but the last a pooling, all 1 or more; give all three lists"
        )
    layers, below, size = [], image[0], image[1:]
    for number, (count, kernel) in enumerate(zip(maps, kernels, strict=True)):
        size = (size[0] - kernel + 1, size[1] - kernel + 1)
        if min(size) < 1:
            raise Refusal(
                f"dgdn: images of {image[1]}x{image[2]} are too small for layer {number + 1} of kernels "
                f"{_words(kernels)} and pools {_words(pools)}; give smaller ones, or larger images with --size"
            )
        tiling = Tiling(pools[number], *size) if number < len(pools) else None
        layers.append(Layer(below, count, kernel, size, tiling))
        below, size = count, (tiling.rows, tiling.columns) if tiling else size
    return layers


def guess(image: tuple[int, int, int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """For sizes that the table lacks: kernels of 5 (3 under 16 pixels) and poolings of 2 down to at most 6 pixels, then
    a kernel that leaves 2."""
    side = min(image[1:])
    if side < SMALLEST:
        raise Refusal(
            f"dgdn: images must be at least {SMALLEST}x{SMALLEST} pixels, not {image[1]}x{image[2]}; give --size"
        )
    kernel = 3 if side < 16 else 5
    maps, kernels, pools = list[int](), list[int](), list[int]()
    while side > SMALLEST or not maps:
        maps.append(min(48 * 2 ** len(maps), 192))
        kernels.append(min(kernel, side - 2))
        pools.append(2)
        side = math.ceil((side - kernels[-1] + 1) / 2)
    return (*maps, 80), (*kernels, max(1, side - 1)), tuple(pools)


def _words(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers)) or "none"


class Downward(nn.Module):
    """The decoder: dictionaries D. Linear in the code, for given positions."""

    def __init__(self, layers: Sequence[Layer]):
        super().__init__()
        self.layers = tuple(layers)
        self.dictionaries = nn.ModuleList(
            nn.ConvTranspose2d(one.maps, one.below, one.kernel, bias=False) for one in layers
        )
        for one, dictionary in zip(layers, self.dictionaries, strict=True):
            assert isinstance(dictionary, nn.ConvTranspose2d)
            # A value of the map below is a sum over this many entries, of which one a block is not zero.
            sent = one.maps * min(one.kernel, one.size[0]) * min(one.kernel, one.size[1])
            sd = math.sqrt((one.tiling.positions if one.tiling else 1) / sent)
            nn.init.normal_(dictionary.weight, std=sd if one is not layers[0] else PIXELS * sd)

    def forward(self, code: Tensor, weights: Sequence[Tensor] | None) -> Tensor:
        """code [b, K * h * w] and, from the image upwards, the weights of the positions [c, m, n], or none where every
        value stands in its block's first -> [b, c, h, w]."""
        map = self.values(code, weights)
        return self.placed(map, weights, 0) if len(self.layers) > 1 else map

    def values(self, code: Tensor, weights: Sequence[Tensor] | None) -> Tensor:
        """[b, c, rows, columns]: what is put at the positions of the lowest pooling, whose weights do not count."""
        top = self.layers[-1]
        map: Tensor = self.dictionaries[-1](code.unflatten(1, (top.maps, *top.size)))
        for number in range(len(self.layers) - 2, 0, -1):
            map = self.placed(map, weights, number)
        return map

    def placed(self, values: Tensor, weights: Sequence[Tensor] | None, number: int) -> Tensor:
        """The map below a pooling, of values [b, c, rows, columns] at its positions."""
        tiling, dictionary = self.layers[number].tiling, self.dictionaries[number]
        assert tiling is not None
        assert isinstance(dictionary, nn.ConvTranspose2d)
        if weights is not None:
            map: Tensor = dictionary(self.spread(values, weights[number], number))
            return map
        # In steps of a block's side a transposed convolution looks at the values alone, not at the zeros beside them.
        over = (tiling.height - 1) % tiling.side, (tiling.width - 1) % tiling.side
        return functional.conv_transpose2d(values, dictionary.weight, stride=tiling.side, output_padding=over)

    def spread(self, values: Tensor, weight: Tensor | None, number: int) -> Tensor:
        """Values [b, c, rows, columns] on the map of a pooling, [b, c, height, width], by weights [c, m, n]."""
        tiling = self.layers[number].tiling
        assert tiling is not None
        flat = tiling.flat(values)
        if weight is None:
            weight = one_hot(torch.zeros_like(flat), tiling.positions)
        return tiling.join(unpool(flat, weight.to(values.dtype)))

    def filters(self) -> Tensor:
        """[n, c, h, w]: the dictionary nearest to the image."""
        weight = self.dictionaries[0].weight
        assert isinstance(weight, Tensor)
        return weight
