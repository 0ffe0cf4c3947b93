"""The trunk of PatchVAE (Gupta et al. 2020, supplement, tables 8-11): ResNet-18's first convolution and first two
stages, and the pyramids that draw from its maps."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from latelier.errors import Refusal
from latelier.nets.encoder import Encoder
from latelier.nets.pixel_range import Centred

Kind = Literal["resnet9", "resnet18"]
WIDTHS = {"resnet9": (64, 128), "resnet18": (64, 128, 256, 512)}  # of the trunk's stages


@dataclass(frozen=True)
class Resnet9:
    """The source's beta-VAE around the trunk, so that against PatchVAE only the bottleneck differs."""

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        return whole_encoder(image, outputs, "resnet9")

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        return whole_decoder(inputs, image, "resnet9")


@dataclass(frozen=True)
class Resnet18:
    """The same around all of ResNet-18, for large images; the source does not give its reduction and its code."""

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        return whole_encoder(image, outputs, "resnet18")

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        return whole_decoder(inputs, image, "resnet18")


def reduced(kind: Kind) -> int:
    """Channels between the trunk and a vector code: half of the trunk's."""
    return WIDTHS[kind][-1] // 2


def whole_encoder(image: tuple[int, int, int], outputs: int, kind: Kind) -> Encoder:
    """image [b, c, H, W] -> [b, outputs]: the trunk, fewer channels, and one filter as large as the map for each."""
    h, w = grid_of(image, kind)
    stages, below = trunk(image[0], kind), reduced(kind)
    stages["reduce"] = nn.Sequential(
        nn.Conv2d(WIDTHS[kind][-1], below, 1, bias=False), nn.BatchNorm2d(below), nn.ReLU()
    )
    reset(stages["reduce"])
    head = nn.Conv2d(below, outputs, (h, w))
    for half in head.weight.chunk(2):  # mean and log-variance are layers of their own in the source
        nn.init.kaiming_normal_(half, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    return Encoder(stages, image, head=nn.Sequential(head, nn.Flatten()))


def whole_decoder(inputs: int, image: tuple[int, int, int], kind: Kind) -> nn.Module:
    """[b, inputs] -> [b, c, H, W], counted from mid-grey."""
    above = reduced(kind)
    return nn.Sequential(
        nn.Unflatten(1, (inputs, 1, 1)),
        nn.ConvTranspose2d(inputs, above, grid_of(image, kind), bias=False),
        nn.BatchNorm2d(above),
        nn.LeakyReLU(0.2),
        pyramid(above, image[0], kind),
    )


def grid_of(image: tuple[int, int, int], kind: Kind) -> tuple[int, int]:
    """Cells (h, w) of the trunk's last map. Raises Refusal where they do not cover the image."""
    cell = 8 if kind == "resnet9" else 32
    if image[1] % cell or image[2] % cell:
        raise Refusal(f"{kind}: sides must be multiples of {cell}, not {image[1]}x{image[2]}; give --size")
    return image[1] // cell, image[2] // cell


def trunk(channels: int, kind: Kind) -> dict[str, nn.Module]:
    """[b, channels, H, W] in [0, 1] -> [b, 128, H/8, W/8] (resnet9) or [b, 512, H/32, W/32] (resnet18), in stages. A
    name counts residual blocks, as the paper's "Conv[1-5]" does."""
    layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    stages: dict[str, nn.Module] = OrderedDict(conv1=nn.Sequential(Centred(), *layers))
    below = 64
    for number, width in enumerate(WIDTHS[kind]):
        first = BasicBlock(below, width, stride=1 if number == 0 else 2)
        stages[f"conv{2 * number + 2}-{2 * number + 3}"] = nn.Sequential(first, BasicBlock(width, width))
        below = width
    for stage in stages.values():
        reset(stage)
    return stages


def pyramid(inputs: int, channels: int, kind: Kind) -> nn.Module:
    """[b, inputs, h, w] -> [b, channels, H, W] in (-0.5, 0.5), counted from mid-grey: doublings from as many channels
    as the trunk's stages end with."""
    top = 256 if kind == "resnet9" else 1024
    layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, top, 1, bias=False), nn.BatchNorm2d(top), nn.LeakyReLU(0.2)]
    while top > 64:
        layers += [nn.ConvTranspose2d(top, top // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(top // 2), nn.LeakyReLU(0.2)]
        top //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(top, channels, 4, 2, 1, bias=False), HalfTanh())


def reset(module: nn.Module) -> None:
    """First weights as in the source: convolutions drawn by their fan-out (He et al. 2015), biases 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class BasicBlock(nn.Module):
    """[b, below, h, w] -> [b, above, h/stride, w/stride] (He et al. 2016, arXiv 1512.03385, figure 5, left)."""

    def __init__(self, below: int, above: int, stride: int = 1):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(below, above, 3, stride, 1, bias=False), nn.BatchNorm2d(above)
        self.conv2, self.norm2 = nn.Conv2d(above, above, 3, 1, 1, bias=False), nn.BatchNorm2d(above)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or below != above:
            self.shortcut = nn.Sequential(nn.Conv2d(below, above, 1, stride, bias=False), nn.BatchNorm2d(above))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class HalfTanh(nn.Module):
    """tanh over a range as wide as the pixels'."""

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh() / 2
