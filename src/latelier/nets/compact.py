"""Small nets for a hierarchy on two cores: a few strided convolutions a conditional, no norm, one residual block where
maps are widest. They learn in a minute what the source's table does not in ten.

Sizes. The lowest codes are maps of a quarter of the image's side, of a half up to 16 pixels; each level between them
and the top halves again; the top is a vector."""

from dataclasses import dataclass, field
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from latelier.config.settings import LEAST
from latelier.nets.encoder import Encoder, Grid
from latelier.nets.hali_critic import Critic
from latelier.nets.halving import SMALL, Image, Ladder, Size
from latelier.nets.pixel_range import Centred, ReturningTanh, Uncentred
from latelier.nets.regularised import Layer, Layers, Norm, layer, weighted

ONCE = 16  # px: images up to here are halved once before the first codes
HALF = 0.5**0.5


def halved(size: Size) -> Size:
    """After a 4x4 convolution of stride 2."""
    return max(1, size[0] // 2), max(1, size[1] // 2)


def halvings(size: Size) -> list[Size]:
    """The sizes from a map to one of at most ``SMALL`` a side."""
    found = [size]
    while max(found[-1]) > SMALL and min(found[-1]) > 1:
        found.append(halved(found[-1]))
    return found


@dataclass(frozen=True)
class Compact:
    """Ours, and no part of the source."""

    channels: int = field(default=32, metadata={LEAST: 1})  # maps at half the image's side, twice as many below
    hidden: int = field(default=256, metadata={LEAST: 1})  # units beside the top
    slope: float = 0.2

    def plan(self, image: Image, levels: tuple[int, ...]) -> "Plan":
        return Plan(image, levels, self.channels, self.hidden, self.slope)

    def encoder(self, image: Image, outputs: int) -> Encoder:
        """Of one level: image -> what its code is drawn with, [b, outputs]."""
        return self.plan(image, (outputs,)).encoder(outputs)

    def decoder(self, inputs: int, image: Image) -> nn.Module:
        return self.plan(image, (inputs,)).decoder()

    def critic(self, image: Image, latent: int, norm: Norm, dropout: float) -> Critic:
        return self.plan(image, (latent,)).critic(norm, dropout)


class Block(nn.Module):
    """[b, c, h, w] plus two convolutions of it, each after a rectifier; at the start as large as what came in."""

    def __init__(self, width: int, slope: float, norm: Norm = "none"):
        super().__init__()
        self.convs = nn.ModuleList(weighted(nn.Conv2d(width, width, 3, 1, 1), norm) for _ in range(2))
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for conv in self.convs:
            out = conv(functional.leaky_relu(out, self.slope))
        return HALF * (x + out)


@dataclass(frozen=True)
class Plan(Ladder):
    """Sizes and nets for images of one size."""

    image: Image
    levels: tuple[int, ...]  # channels of the codes, from the image upwards
    channels: int
    hidden: int
    slope: float

    halved = staticmethod(halved)

    @property
    def path(self) -> list[Size]:
        """Sizes from the image to the lowest codes."""
        once = halved(self.image[1:])
        return [self.image[1:], once, *([halved(once)] if max(self.image[1:]) > ONCE else [])]

    @property
    def maps(self) -> int:
        """Beside the codes that are maps."""
        return 2 * self.channels

    def encoder(self, outputs: int | None = None) -> Encoder:
        """q(z1 | x): image in [0, 1] -> mean and log sd of the lowest codes side by side, [b, 2 c, h, w]; of one
        level q(z | x), [b, 2 c] or [b, outputs]."""
        widths = [self.image[0], *self._widths()]
        stages: dict[str, nn.Module] = {}
        for number, ((below, above), (size, target)) in enumerate(
            zip(pairwise(widths), pairwise(self.path), strict=True), 1
        ):
            last = [Block(above, self.slope)] if target == self.path[-1] else []
            centred = [Centred()] if number == 1 else []
            stages[f"conv{number}"] = nn.Sequential(*centred, down(below, above, size), *last, self._act())
        wide = outputs or 2 * self.levels[0]
        head = nn.Conv2d(widths[-1], wide, 1) if self.levels[1:] else self._gathered(widths[-1], wide)
        return Encoder(stages, self.image, head=head)

    def upwards(self) -> list[nn.Module]:
        """q(z2 | z1) and those above: codes of a level -> mean and log sd of the next."""
        between = []
        for level, size in enumerate(self.sizes[:-1]):
            wide = [nn.Conv2d(self.levels[level], self.maps, 3, 1, 1), self._act(), down(self.maps, self.maps, size)]
            head = nn.Conv2d(self.maps, 2 * self.levels[level + 1], 3, 1, 1)
            between.append(nn.Sequential(*wide, Block(self.maps, self.slope), self._act(), head))
        return [*between, self._gathered(self.levels[-2], 2 * self.levels[-1])] if self.levels[1:] else []

    def downwards(self) -> list[nn.Module]:
        """p(z1 | z2) and those above: codes of a level -> mean and log sd of the one below."""
        between = []
        for level, (size, above) in enumerate(pairwise(self.sizes)):
            start = [nn.Conv2d(self.levels[level + 1], self.maps, 3, 1, 1), self._act()]
            grown = [*start, up(self.maps, self.maps, above, size), Block(self.maps, self.slope), self._act()]
            between.append(nn.Sequential(*grown, nn.Conv2d(self.maps, 2 * self.levels[level], 3, 1, 1)))
        return [*between, self._spread(2 * self.levels[-2])] if self.levels[1:] else []

    def decoder(self) -> nn.Module:
        """p(x | z1): the lowest codes -> image in [0, 1]; of one level p(x | z)."""
        widths = [*self._widths()[::-1], self.image[0]]
        first = [self._spread(widths[0])] if not self.levels[1:] else []
        codes = nn.Conv2d(self.levels[0] if self.levels[1:] else widths[0], widths[0], 3, 1, 1)
        layers: list[nn.Module] = [*first, codes, Block(widths[0], self.slope)]
        for (below, above), (size, target) in zip(pairwise(widths), pairwise(self.path[::-1]), strict=True):
            layers += [self._act(), up(below, above, size, target)]
        return nn.Sequential(*layers, ReturningTanh(), Uncentred())

    def critic(self, norm: Norm, dropout: float) -> Critic:
        """Dropout of a fifth of a layer's input, times ``dropout``."""
        share = 0.2 * dropout

        def judging(conv: nn.Conv2d, norm: Norm = norm) -> Layer:
            return layer(conv, self.slope, norm, share)

        widths = [self.image[0], *self._widths()]
        bottom = [
            judging(down(below, above, size)) for (below, above), size in zip(pairwise(widths), self.path, strict=False)
        ]
        stages, below = [Layers(bottom)], widths[-1]
        for level, size in enumerate(self.sizes):
            codes = self.levels[level] if self.levels[1:] else 0
            block = Layer(Block(self.maps, self.slope, norm), nn.LeakyReLU(self.slope))
            seen = [Layer(weighted(nn.Conv2d(below + codes, self.maps, 3, 1, 1), norm)), block]
            if level + 1 < len(self.sizes):
                stages.append(Layers([*seen, judging(down(self.maps, self.maps, size))]))
                below = self.maps
                continue
            steps = halvings(size)
            tops = self._tops(self.maps, len(steps))
            seen += [judging(down(a, b, s)) for (a, b), s in zip(pairwise(tops), steps, strict=False)]
            stages.append(Layers([*seen, judging(nn.Conv2d(tops[-1], self.hidden, steps[-1]))]))
        both = [(self.hidden + self.levels[-1], self.hidden), (self.hidden, self.hidden)]
        stages.append(Layers(judging(nn.Conv2d(a, b, 1), "none") for a, b in both))
        return Critic(stages, Layers([Layer(nn.Conv2d(self.hidden, 1, 1), share=share)]))

    def _act(self) -> nn.Module:
        return nn.LeakyReLU(self.slope)

    def _widths(self) -> list[int]:
        """Maps from half the image's side to the lowest codes'."""
        return [self.channels, self.maps][-(len(self.path) - 1) :]

    def _tops(self, below: int, steps: int) -> list[int]:
        """Maps from the uppermost codes that are maps to what is gathered."""
        return [below, *[2 * self.maps] * (steps - 1)]

    def _gathered(self, inputs: int, outputs: int) -> nn.Module:
        """Maps [b, inputs, h, w] -> what the top codes are drawn with, [b, outputs]."""
        steps = halvings(self.sizes[-1])
        widths = self._tops(self.maps, len(steps))
        layers: list[nn.Module] = [nn.Conv2d(inputs, self.maps, 3, 1, 1), self._act()]
        for (below, above), size in zip(pairwise(widths), steps, strict=False):
            layers += [down(below, above, size), self._act()]
        gather = nn.Linear(widths[-1] * steps[-1][0] * steps[-1][1], self.hidden)
        return nn.Sequential(*layers, nn.Flatten(), gather, self._act(), nn.Linear(self.hidden, outputs))

    def _spread(self, outputs: int) -> nn.Module:
        """Top codes [b, c] -> maps [b, outputs, h, w]."""
        steps = halvings(self.sizes[-1])[::-1]
        widths = self._tops(self.maps, len(steps))[::-1]
        top = (widths[0], *steps[0])
        layers: list[nn.Module] = [nn.Linear(self.levels[-1], self.hidden), self._act()]
        layers += [nn.Linear(self.hidden, top[0] * top[1] * top[2]), Grid(top), self._act()]
        for (below, above), (size, target) in zip(pairwise(widths), pairwise(steps), strict=True):
            layers.append(up(below, above, size, target))
            layers += [self._act()] if target != steps[-1] else [Block(above, self.slope), self._act()]
        return nn.Sequential(*layers, nn.Conv2d(widths[-1], outputs, 3, 1, 1))


def down(below: int, above: int, size: Size) -> nn.Conv2d:
    """Halves maps of that size; a side of 1 stays."""
    kernel, stride, padding = zip(*((4, 2, 1) if side > 1 else (1, 1, 0) for side in size), strict=True)
    return nn.Conv2d(below, above, kernel, stride, padding)


def up(below: int, above: int, size: Size, target: Size) -> nn.ConvTranspose2d:
    """From maps of that size to those of the target, twice as large or one row more."""
    steps = [(4, 2, 1, b - 2 * a) if b > 1 else (1, 1, 0, 0) for a, b in zip(size, target, strict=True)]
    kernel, stride, padding, odd = zip(*steps, strict=True)
    return nn.ConvTranspose2d(below, above, kernel, stride, padding, odd)
