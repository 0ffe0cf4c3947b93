"""Nets whose code is a map: each cell's numbers say what stands there, for heads that look at cells."""

from dataclasses import dataclass, field
from itertools import pairwise

from torch import nn

from latelier.config.settings import LEAST
from latelier.errors import Refusal
from latelier.nets.encoder import Encoder
from latelier.nets.norm import Norm
from latelier.nets.resnet import Block


@dataclass(frozen=True)
class Maps:
    """4x4 convolutions of stride 2, one for each of ``channels``, then residual blocks of ``width`` channels and a 1x1
    convolution to the code's maps; back by residual blocks and nearest-neighbour doublings."""

    channels: tuple[int, ...] = (32, 64)
    width: int = field(default=64, metadata={LEAST: 1})
    blocks: int = field(default=2, metadata={LEAST: 1})

    def __post_init__(self) -> None:
        if not self.channels:
            raise Refusal("net=maps: net.channels has one width or more; each halves the image")

    def code(self, latent: int, image: tuple[int, int, int]) -> tuple[int, ...]:
        """Shape of a code of this many numbers a cell. Raises Refusal where cells do not cover the image."""
        cell = 2 ** len(self.channels)
        if image[1] % cell or image[2] % cell:
            raise Refusal(f"net=maps: sides must be multiples of {cell}, not {image[1]}x{image[2]}; give --size")
        return latent, image[1] // cell, image[2] // cell

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        stages: dict[str, nn.Module] = {}
        for number, (below, above) in enumerate(pairwise((image[0], *self.channels)), 1):
            stages[f"conv{number}"] = nn.Sequential(nn.Conv2d(below, above, 4, 2, 1), Norm(above), nn.SiLU())
        stages["blocks"] = nn.Sequential(*self._blocks(self.channels[-1]), Norm(self.width), nn.SiLU())
        return Encoder(stages, image, head=nn.Conv2d(self.width, outputs, 1))

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        layers: list[nn.Module] = [nn.Conv2d(inputs, self.width, 3, 1, 1), *self._blocks(self.width)]
        for below, above in pairwise((self.width, *self.channels[-2::-1], image[0])):
            layers += [Norm(below), nn.SiLU(), nn.Upsample(scale_factor=2), nn.Conv2d(below, above, 3, 1, 1)]
        return nn.Sequential(*layers)

    def _blocks(self, below: int) -> list[nn.Module]:
        return [Block(below if number == 0 else self.width, self.width) for number in range(self.blocks)]
