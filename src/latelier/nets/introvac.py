"""The residual nets of IntroVAE (Huang et al. 2018, arXiv 1807.06358) and IntroVAC, whose authors' code settles the
layers; default first weights."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid

FIRST, WIDEST = 32, 512  # maps of the first and of the widest stage
TOP = 4  # px of the shorter side at the top
SLOPE = 0.2


@dataclass(frozen=True)
class Plan:
    """Maps of each stage: doubled from one to the next, as many stages as halve the image to ``TOP`` pixels.

    ``width`` is times the table's maps. ``late`` adds a block's input before its last rectifier, as IntroVAE, and not
    after it, as IntroVAC."""

    image: tuple[int, int, int]
    width: float = 1.0
    late: bool = False

    @property
    def maps(self) -> tuple[int, ...]:
        """32, 64, 128, 256, 512 for 128 pixels."""
        stages = max(1, (min(self.image[1:]) // TOP).bit_length() - 1)
        return tuple(max(1, round(self.width * min(FIRST * 2**stage, WIDEST))) for stage in range(stages))

    @property
    def top(self) -> tuple[int, int, int]:
        """Maps and cells (h, w) at the top. Raises Refusal for sides that do not halve so often."""
        _, h, w = self.image
        part = 2 ** len(self.maps)
        if h % part or w % part:
            raise Refusal(f"these nets halve {h}x{w} pixels {len(self.maps)} times: give sides that allow it (--size)")
        return self.maps[-1], h // part, w // part

    def block(self, below: int, above: int) -> nn.Module:
        return Block(below, above, self.late)


@dataclass(frozen=True)
class Introvac:
    """These nets around a VAE's code: the row without attributes and without a game."""

    width: float = 0.5  # times the source's maps

    def __post_init__(self) -> None:
        if self.width <= 0:
            raise Refusal(f"net.width multiplies the nets' maps, so it must be above 0, not {self.width:g}")

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        return encoder(Plan(image, self.width), outputs)

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        return decoder(Plan(image, self.width), inputs)


def encoder(plan: Plan, outputs: int) -> Encoder:
    """[b, c, h, w] in [0, 1] -> [b, outputs]: each stage ends by halving, but for the last; 13,796,000 weights for 128
    pixels in colour and 512 outputs."""
    channels, first = plan.image[0], plan.maps[0]
    top = plan.top[0]
    stem = [nn.Conv2d(channels, first, 5, 1, 2, bias=False), nn.BatchNorm2d(first), nn.LeakyReLU(SLOPE)]
    stages: dict[str, nn.Module] = {"stem": nn.Sequential(*stem, nn.AvgPool2d(2))}
    for number, (below, above) in enumerate(pairwise(plan.maps), 1):
        stages[f"stage{number}"] = nn.Sequential(plan.block(below, above), nn.AvgPool2d(2))
    stages[f"stage{len(plan.maps)}"] = plan.block(top, top)
    return Encoder(stages, plan.image, outputs)


def decoder(plan: Plan, inputs: int) -> nn.Module:
    """[b, inputs] -> [b, c, h, w], any range; 9,373,027 weights for 128 pixels in colour and 256 inputs."""
    maps, h, w = plan.top
    layers: list[nn.Module] = [nn.Linear(inputs, maps * h * w), nn.ReLU(), Grid((maps, h, w))]
    for below, above in pairwise((maps, *reversed(plan.maps))):
        layers += [plan.block(below, above), nn.Upsample(scale_factor=2)]
    first = plan.maps[0]
    return nn.Sequential(*layers, plan.block(first, first), nn.Conv2d(first, plan.image[0], 5, 1, 2))


class Block(nn.Module):
    """[b, below, h, w] -> [b, above, h, w]: the input plus two convolutions of it, each normalised and rectified."""

    def __init__(self, below: int, above: int, late: bool):
        super().__init__()
        self.late = late
        self.shortcut = nn.Identity() if below == above else nn.Conv2d(below, above, 1, bias=False)
        self.conv1, self.norm1 = nn.Conv2d(below, above, 3, 1, 1, bias=False), nn.BatchNorm2d(above)
        self.conv2, self.norm2 = nn.Conv2d(above, above, 3, 1, 1, bias=False), nn.BatchNorm2d(above)

    def forward(self, x: Tensor) -> Tensor:
        kept: Tensor = self.shortcut(x)
        y = self.conv2(functional.leaky_relu(self.norm1(self.conv1(x)), SLOPE))
        if self.late:
            return functional.leaky_relu(self.norm2(y + kept), SLOPE)
        return kept + functional.leaky_relu(self.norm2(y), SLOPE)
