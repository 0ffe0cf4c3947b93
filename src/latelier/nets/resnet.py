"""Residual nets with group normalisation: no image depends on its batch mates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from latelier.config.settings import LEAST
from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid
from latelier.nets.norm import Norm


@dataclass(frozen=True)
class Resnet:
    """Stages of residual blocks, halving before each stage but the first; the decoder mirrors them with
    nearest-neighbour doublings. Pre-activation blocks (He et al. 2016, arXiv 1603.05027), SiLU, group
    normalisation."""

    channels: tuple[int, ...] = (32, 64, 128, 128)
    blocks: int = field(default=1, metadata={LEAST: 1})

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        self._check(image)
        stages: dict[str, nn.Module] = {"stem": nn.Conv2d(image[0], self.channels[0], 3, 1, 1)}
        for number, (below, above) in enumerate(pairwise((self.channels[0], *self.channels)), 1):
            down: list[nn.Module] = [nn.AvgPool2d(2)] if number > 1 else []
            blocks = [Block(below if i == 0 else above, above) for i in range(self.blocks)]
            stages[f"stage{number}"] = nn.Sequential(*down, *blocks)
        stages["top"] = nn.Sequential(Norm(self.channels[-1]), nn.SiLU())
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        self._check(image)
        factor = 2 ** (len(self.channels) - 1)
        top = (self.channels[-1], image[1] // factor, image[2] // factor)
        layers: list[nn.Module] = [nn.Linear(inputs, top[0] * top[1] * top[2]), Grid(top)]
        narrowing = self.channels[::-1]
        for number, (below, above) in enumerate(pairwise((narrowing[0], *narrowing))):
            layers += [nn.Upsample(scale_factor=2)] if number else []
            layers += [Block(below if i == 0 else above, above) for i in range(self.blocks)]
        out = nn.Conv2d(self.channels[0], image[0], 3, 1, 1)
        return nn.Sequential(*layers, Norm(self.channels[0]), nn.SiLU(), out)

    def _check(self, image: tuple[int, int, int]) -> None:
        factor = 2 ** (len(self.channels) - 1)
        if image[1] % factor or image[2] % factor:
            raise Refusal(
                f"net=resnet halves {len(self.channels) - 1} times: sides must be multiples of {factor}, not "
                f"{image[1]}x{image[2]}"
            )
        if any(c % 8 for c in self.channels):
            raise Refusal(
                f"net.channels of a resnet are multiples of 8 (its normalisation has 8 groups), not {self.channels}"
            )


class Block(nn.Module):
    """[b, below, h, w] -> [b, above, h, w]: the input plus two convolutions of it, each after a norm and a
    nonlinearity."""

    def __init__(self, below: int, above: int, nonlinearity: Callable[[Tensor], Tensor] = functional.silu):
        super().__init__()
        self.nonlinearity = nonlinearity
        self.norm1, self.conv1 = Norm(below), nn.Conv2d(below, above, 3, 1, 1)
        self.norm2, self.conv2 = Norm(above), nn.Conv2d(above, above, 3, 1, 1)
        self.shortcut = nn.Identity() if below == above else nn.Conv2d(below, above, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.nonlinearity(self.norm1(x)))
        out: Tensor = self.shortcut(x) + self.conv2(self.nonlinearity(self.norm2(y)))
        return out
