"""Nets of a game whose codes are vectors: encoder, decoder and joint critic that belong together.

Images are in [0, 1] outside and in [-1, 1] inside. A decoder's output ends in a tanh."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor, nn

from latelier.config.settings import LEAST
from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid
from latelier.nets.pixel_range import Centred, ReturningTanh, Uncentred
from latelier.nets.regularised import Layer, Layers, Norm, layer

Image = tuple[int, int, int]
WAVES = 64  # frequencies of a critic's that sees through them


class Untied(nn.Module):
    """A bias of its own for every place."""

    def __init__(self, shape: Image):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class Waves(nn.Module):
    """[b, ...] -> [b, inputs + 2 n]: the inputs, and sines and cosines of n drawn sums of them, without which a net
    learns what is narrow in space only very slowly (Tancik et al. 2020, arXiv 2006.10739, section 6.1)."""

    frequencies: Tensor  # [inputs, n] radians a unit

    def __init__(self, inputs: int, sd: float, n: int):
        super().__init__()
        self.register_buffer("frequencies", sd * torch.randn(inputs, n))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        phase = x @ self.frequencies
        return torch.cat([x, phase.sin(), phase.cos()], 1)


class JointCritic(nn.Module):
    """Image [b, c, h, w] in [0, 1] and code [b, k], if any -> logit [b]: layers of each alone, then of both side by
    side."""

    def __init__(self, image: Layers, code: Layers, both: Layers, verdict: Layer):
        super().__init__()
        self.centred, self.image, self.code, self.both, self.verdict = Centred(), image, code, both, verdict

    def embed(self, image: Tensor, code: Tensor | None = None, *, generator: Generator | None = None) -> Tensor:
        """[b, d] after the last hidden layer; with a generator under dropout."""
        top: Tensor = self.image(self.centred(image), generator).flatten(1)
        if code is not None:
            top = torch.cat([top, self.code(code.to(top.dtype), generator)], 1)
        top = self.both(top, generator)
        return top

    def forward(self, image: Tensor, code: Tensor | None = None, *, generator: Generator | None = None) -> Tensor:
        logit: Tensor = self.verdict(self.embed(image, code, generator=generator), generator)
        return logit.float().flatten()


@dataclass(frozen=True)
class Dense:
    """Fully connected, for small images and for points: BiGAN's "permutation-invariant" nets. Dropout of one half
    in the critic but for its input, times ``critic.dropout``."""

    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2
    norm: Literal["batch", "none"] = "batch"  # of encoder and decoder; a batch's noise blurs points
    waves: float = 0.0  # sd of frequencies through which the critic sees pixels, radians a unit of [-1, 1]; for points

    def encoder(self, image: Image, outputs: int) -> Encoder:
        stages: dict[str, nn.Module] = {"pixels": nn.Sequential(Centred(), nn.Flatten())}
        for number, (below, above) in enumerate(pairwise((prod(image), *self.widths)), 1):
            stages[f"hidden{number}"] = layer(nn.Linear(below, above), self.slope, self.norm)
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: Image) -> nn.Module:
        sizes = (inputs, *reversed(self.widths))
        layers = [layer(nn.Linear(below, above), self.slope, self.norm) for below, above in pairwise(sizes)]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], prod(image)), Grid(image), ReturningTanh(), Uncentred())

    def critic(self, image: Image, latent: int, norm: Norm, dropout: float) -> JointCritic:
        pixels = prod(image)
        seen = Waves(pixels, self.waves, WAVES) if self.waves else nn.Flatten()
        inputs = pixels + (2 * WAVES if self.waves else 0) + latent
        return JointCritic(
            Layers([Layer(seen)]),
            Layers(),
            *verdict((inputs, *self.widths), norm, self.slope, 0.5 * dropout, first=False),
        )


@dataclass(frozen=True)
class Strided:
    """4x4 convolutions of stride 2 down to at most 4 pixels, of twice as many maps at each (Radford et al. 2016, arXiv
    1511.06434); for images of any size. Dropout of a fifth in the critic, times ``critic.dropout``."""

    channels: int = field(default=32, metadata={LEAST: 1})  # maps of the first; the source has more
    hidden: int = field(default=1024, metadata={LEAST: 1})  # units of the critic's two layers of both
    slope: float = 0.2

    def plan(self, image: Image) -> tuple[list[int], list[tuple[int, int]]]:
        """Maps and sizes, from the image to the top. Raises Refusal for images that cannot be halved."""
        maps, sizes = [image[0]], [image[1:]]
        while not sizes[1:] or (max(sizes[-1]) > 4 and min(sizes[-1]) > 1):
            maps.append(self.channels * min(8, 2 ** (len(maps) - 1)))
            sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
        if min(sizes[-1]) < 1:
            raise Refusal(f"net=strided: sides must be 2 pixels or more, not {image[1]}x{image[2]}; take net=dense")
        return maps, sizes

    def encoder(self, image: Image, outputs: int) -> Encoder:
        maps, _ = self.plan(image)
        stages: dict[str, nn.Module] = {}
        for number, (below, above) in enumerate(pairwise(maps), 1):
            centred = [Centred()] if number == 1 else []
            conv = nn.Conv2d(below, above, 4, 2, 1, bias=number == 1)
            stages[f"conv{number}"] = nn.Sequential(
                *centred, layer(conv, self.slope, "none" if number == 1 else "batch")
            )
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: Image) -> nn.Module:
        maps, sizes = self.plan(image)
        top = (maps[-1], *sizes[-1])
        layers: list[nn.Module] = [
            nn.Linear(inputs, prod(top), bias=False),
            Grid(top),
            nn.BatchNorm2d(maps[-1]),
            nn.ReLU(),
        ]
        for (below, above), (size, target) in zip(pairwise(maps[::-1]), pairwise(sizes[::-1]), strict=True):
            odd = (target[0] - 2 * size[0], target[1] - 2 * size[1])  # an odd size loses a row on the way down
            last = target == image[1:]
            layers.append(nn.ConvTranspose2d(below, above, 4, 2, 1, output_padding=odd, bias=last))
            layers += [] if last else [nn.BatchNorm2d(above), nn.ReLU()]
        return nn.Sequential(*layers, nn.Tanh(), Uncentred())

    def critic(self, image: Image, latent: int, norm: Norm, dropout: float) -> JointCritic:
        maps, sizes = self.plan(image)
        share = 0.2 * dropout
        convs = [
            nn.Conv2d(below, above, 4, 2, 1, bias=norm != "batch" or below == image[0])
            for below, above in pairwise(maps)
        ]
        norms: list[Norm] = ["none" if norm == "batch" and conv.in_channels == image[0] else norm for conv in convs]
        images = Layers(layer(conv, self.slope, kind, share) for conv, kind in zip(convs, norms, strict=True))
        width = prod((maps[-1], *sizes[-1])) + latent
        both = (self.hidden, self.hidden) if latent else ()  # a critic of images alone has none in the source
        return JointCritic(images, Layers(), *verdict((width, *both), norm, self.slope, share))


class Table(NamedTuple):
    """ALI's nets for one size of image: (kernel, stride, maps) a layer."""

    up: list[tuple[int, int, int]]
    down: list[tuple[int, int, int]]  # transposed
    code: int  # units of the critic's layers of the code
    both: int


TABLES = {
    (32, 32): Table(
        up=[(5, 1, 32), (4, 2, 64), (4, 1, 128), (4, 2, 256), (4, 1, 512), (1, 1, 512)],
        down=[(4, 1, 256), (4, 2, 128), (4, 1, 64), (4, 2, 32), (5, 1, 32), (1, 1, 32)],
        code=512,
        both=1024,
    ),
    (64, 64): Table(
        up=[(2, 1, 64), (7, 2, 128), (5, 2, 256), (7, 2, 256), (4, 1, 512), (1, 1, 512)],
        down=[(4, 1, 512), (7, 2, 256), (5, 2, 256), (7, 2, 128), (2, 1, 64)],
        code=1024,
        both=2048,
    ),
}


@dataclass(frozen=True)
class Valid:
    """ALI's own (its tables for SVHN, 32 pixels, and CelebA, 64): convolutions without padding down to one place, a
    bias of its own for every pixel drawn, and dropout of a fifth at every layer of the critic, times
    ``critic.dropout``."""

    slope: float = 0.02

    def encoder(self, image: Image, outputs: int) -> Encoder:
        stages: dict[str, nn.Module] = {}
        below = image[0]
        for number, (kernel, stride, above) in enumerate(table(image).up, 1):
            conv = nn.Conv2d(below, above, kernel, stride, bias=False)
            stages[f"conv{number}"] = nn.Sequential(*([Centred()] if number == 1 else []), layer(conv, self.slope))
            below = above
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: Image) -> nn.Module:
        layers: list[nn.Module] = [nn.Unflatten(1, (inputs, 1, 1))]
        below = inputs
        for kernel, stride, above in table(image).down:
            conv = nn.ConvTranspose2d(below, above, kernel, stride, bias=False)
            layers += [conv, nn.BatchNorm2d(above), nn.LeakyReLU(self.slope)]
            below = above
        last = nn.Conv2d(below, image[0], 1, bias=False)
        return nn.Sequential(*layers, last, Untied(image), nn.Tanh(), Uncentred())

    def critic(self, image: Image, latent: int, norm: Norm, dropout: float) -> JointCritic:
        (up, _, code, both), share = table(image), 0.2 * dropout
        widths = [image[0], *(above for _, _, above in up[:-1])]
        convs = [nn.Conv2d(b, a, k, s) for (b, a), (k, s, _) in zip(pairwise(widths), up, strict=False)]
        return JointCritic(
            Layers(layer(conv, self.slope, norm, share) for conv in convs),
            Layers(layer(nn.Linear(b, code), self.slope, norm, share) for b in (latent, code)),
            *verdict((widths[-1] + code, both, both), norm, self.slope, share),
        )


def table(image: Image) -> Table:
    """Raises Refusal for a size that ALI has no nets for."""
    if image[1:] not in TABLES:
        raise Refusal(
            f"net=valid is for 32x32 and 64x64 pixels, not {image[1]}x{image[2]}; give --size, or net=strided"
        )
    return TABLES[image[1:]]


def verdict(
    widths: tuple[int, ...], norm: Norm, slope: float, share: float, first: bool = True
) -> tuple[Layers, Layer]:
    """The critic's layers of both, and its last. Without ``first`` the lowest takes pixels and codes: it has no
    dropout, and no batch norm, under which an offset between the sides could not be seen."""
    both = Layers()
    for place, (below, above) in enumerate(pairwise(widths)):
        lowest = place == 0 and not first
        kind: Norm = "none" if lowest and norm == "batch" else norm
        both.append(layer(nn.Linear(below, above), slope, kind, 0.0 if lowest else share))
    return both, Layer(nn.Linear(widths[-1], 1), share=share)
