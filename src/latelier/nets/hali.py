"""HALI's nets (HALI, table 4, rebuilt for any number of levels and any size of image): residual conditionals with
batch norm up and down, and a critic without it that takes one level more at each of its stages.

Sizes. The lowest codes are maps of a half of the image's side up to 48 pixels, of a quarter above; each level
between them and the top halves again; the top is a vector. ``width`` multiplies all hidden maps (the table's at 1)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid
from latelier.nets.hali_critic import Critic, stages_of
from latelier.nets.halving import Image, Ladder, Size, halved, halvings
from latelier.nets.norm import Norm as GroupNorm
from latelier.nets.pixel_range import Centred, Uncentred
from latelier.nets.regularised import Layer, Layers, Norm

QUARTER = 48  # px: larger images are halved twice before the first codes


@dataclass(frozen=True)
class Table:
    """The source's nets, for its images of 128 pixels and a GPU; any other size."""

    width: float = 0.25  # times the table's hidden maps: a step takes a sixteenth of the whole ones
    slope: float = 0.02  # of the leaky rectifiers
    norm: Literal["batch", "group"] = "batch"  # of the conditionals; the table's is batch

    def __post_init__(self) -> None:
        if self.width <= 0:
            raise Refusal(f"hali: net.width multiplies the table's maps, so it must be above 0, not {self.width:g}")

    def plan(self, image: Image, levels: tuple[int, ...]) -> "Plan":
        return Plan(image, levels, self.width, self.slope, self.norm)


@dataclass(frozen=True)
class Plan(Ladder):
    """Sizes and widths of all nets for images of one size."""

    image: Image
    levels: tuple[int, ...]  # channels of the codes, from the image upwards
    width: float = 1.0
    slope: float = 0.02
    norm: Literal["batch", "group"] = "batch"

    def normed(self, maps: int) -> nn.Module:
        return nn.BatchNorm2d(maps) if self.norm == "batch" else GroupNorm(maps)

    def hidden(self, below: int, above: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        """A convolution, normalised and rectified."""
        return [_conv(below, above, kernel, stride), self.normed(above), nn.LeakyReLU(self.slope)]

    def maps(self, table: int) -> int:
        """The number of hidden maps, where the source's ``table`` has that many."""
        return max(1, round(self.width * table))

    halved = staticmethod(halved)

    @property
    def path(self) -> list[Size]:
        """Sizes from the image to the lowest codes."""
        found = [self.image[1:]]
        for _ in range(2 if min(self.image[1:]) > QUARTER else 1):
            found.append(halved(found[-1]))
        return found

    def encoder(self) -> Encoder:
        """q(z1 | x), or of one level q(z | x): mean and log sd side by side."""
        stages = first_up(self)
        head = stages.pop("gaussian")
        return Encoder(stages, self.image, head=head if self.levels[1:] else last_up(self, self.maps(64)))

    def upwards(self) -> list[nn.Module]:
        """q(z2 | z1) and those above."""
        if not self.levels[1:]:
            return []
        between = [between_up(self, level) for level in range(len(self.levels) - 2)]
        return [*between, last_up(self, self.levels[-2])]

    def downwards(self) -> list[nn.Module]:
        """p(z1 | z2) and those above."""
        if not self.levels[1:]:
            return []
        between = [between_down(self, level) for level in range(1, len(self.levels) - 1)]
        return [*between, last_down(self, 2 * self.levels[-2])]

    def decoder(self) -> nn.Module:
        """p(x | z1), or of one level p(x | z)."""
        return first_down(self, self.levels[0]) if self.levels[1:] else whole_down(self)

    def critic(self, norm: Norm, dropout: float) -> Critic:
        """Dropout is of a layer's input, by the table's probabilities, times ``dropout``."""
        verdict = Layer(nn.Conv2d(self.maps(1024), 1, 1), share=0.5 * dropout)
        return Critic(stages_of(self, norm, dropout), Layers([verdict]))


class Residual(nn.Module):
    """[b, c, h, w] plus two normalised convolutions of it, rectified. The source does not give its blocks' insides."""

    def __init__(self, plan: Plan, width: int):
        super().__init__()
        self.block = nn.Sequential(*plan.hidden(width, width, 3), _conv(width, width, 3), plan.normed(width))
        self.slope = plan.slope

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x + self.block(x), self.slope)


class Resized(nn.Module):
    """Bilinear upsampling to a size."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, self.size, mode="bilinear", align_corners=False)


def first_up(plan: Plan) -> dict[str, nn.Module]:
    """G_z1(x), in stages: image in [0, 1] -> mean and log sd of the lowest codes, [b, 2 c, h, w]. That block of the
    table is unreadable and rebuilt from its mirror, G_x."""
    a, b = plan.maps(32), plan.maps(64)
    twice = len(plan.path) == 3
    return {
        "conv1": nn.Sequential(Centred(), *plan.hidden(plan.image[0], a, 3)),
        "conv2": nn.Sequential(*plan.hidden(a, b, 3, 2)),
        "residual3": Residual(plan, b),
        "residual4": Residual(plan, b),
        "conv5": nn.Sequential(*plan.hidden(b, b, 3, 2 if twice else 1)),
        "gaussian": _conv(b, 2 * plan.levels[0], 1, bias=True),
    }


def between_up(plan: Plan, level: int) -> nn.Module:
    """Codes of a level of maps -> mean and log sd of the next, again maps (for more levels than the table has)."""
    w = plan.maps(128)
    head = _conv(w, 2 * plan.levels[level + 1], 1, bias=True)
    return nn.Sequential(*plan.hidden(plan.levels[level], w, 3, 2), Residual(plan, w), head)


def last_up(plan: Plan, inputs: int) -> nn.Module:
    """G_z2(z1): maps [b, inputs, h, w] -> mean and log sd of the top codes [b, 2 c]."""
    steps = halvings(plan.sizes[-1])
    a, b = plan.maps(256), plan.maps(512)
    widths = [inputs, *[a] * (len(steps) - 2), b] if len(steps) > 1 else [inputs]
    layers = [layer for below, above in pairwise(widths) for layer in plan.hidden(below, above, 3, 2)]
    if len(steps) > 1:
        layers.append(Residual(plan, b))
    gather = nn.Conv2d(widths[-1], b, steps[-1], bias=False)
    head = _conv(b, 2 * plan.levels[-1], 1, bias=True)
    return nn.Sequential(*layers, gather, plan.normed(b), nn.LeakyReLU(plan.slope), head, nn.Flatten())


def last_down(plan: Plan, outputs: int) -> nn.Module:
    """G_z1(z2): top codes [b, c] -> maps [b, outputs, h, w], linear at the end (a rectified mean could not be far
    below zero)."""
    steps = halvings(plan.sizes[-1])[::-1]
    a, b = plan.maps(256), plan.maps(128)
    h, w = steps[0]
    start = nn.Conv2d(plan.levels[-1], a * h * w, 1, bias=False)
    layers: list[nn.Module] = [nn.Unflatten(1, (-1, 1, 1)), start, plan.normed(a * h * w), nn.LeakyReLU(plan.slope)]
    layers += [nn.Flatten(), Grid((a, h, w))]
    below = a
    for place, size in enumerate(steps[1:], 1):
        layers.append(Resized(size))
        if place == 1:
            layers.append(Residual(plan, a))
        if place == 2:
            layers += [*plan.hidden(a, a, 3), *plan.hidden(a, b, 3)]
            below = b
        if place > 3:
            layers += plan.hidden(b, b, 3)
    return nn.Sequential(*layers, _conv(below, outputs, 3, bias=True))


def between_down(plan: Plan, level: int) -> nn.Module:
    """Codes of a level of maps -> mean and log sd of the level below."""
    w = plan.maps(128)
    layers = [*plan.hidden(plan.levels[level], w, 1), Residual(plan, w), Resized(plan.sizes[level - 1])]
    return nn.Sequential(*layers, *plan.hidden(w, w, 3), _conv(w, 2 * plan.levels[level - 1], 3, bias=True))


def first_down(plan: Plan, inputs: int) -> nn.Module:
    """G_x(z1): maps [b, inputs, h, w] -> image in [0, 1] (the table's tanh is over pixels in [-1, 1])."""
    a, b = plan.maps(64), plan.maps(32)
    steps = plan.path[::-1][1:]
    layers = [*plan.hidden(inputs, a, 1), Residual(plan, a), Resized(steps[0])]
    if len(steps) == 2:
        layers += [Residual(plan, a), Resized(steps[1])]
    else:
        layers.append(Residual(plan, a))
    layers += [*plan.hidden(a, a, 3), *plan.hidden(a, b, 3)]
    return nn.Sequential(*layers, _conv(b, plan.image[0], 1, bias=True), nn.Tanh(), Uncentred())


def whole_down(plan: Plan) -> nn.Module:
    """Of one level: top codes [b, c] -> image."""
    return nn.Sequential(last_down(plan, plan.maps(64)), first_down(plan, plan.maps(64)))


def _conv(below: int, above: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(below, above, kernel, stride, kernel // 2, bias=bias)
