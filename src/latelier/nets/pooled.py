"""Convolutions, each followed by a pooling to half the size, and their mirror image."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid


@dataclass(frozen=True)
class Pooled:
    """3x3 convolutions, each followed by the largest of every 2x2 pixels and ReLU; the decoder repeats pixels where the
    encoder pools. The defaults are the DC-IGN row of the lecture's table (Higgins et al. 2017, table 1), whose decoder
    has maps of 48, 96 and the image."""

    channels: tuple[int, ...] = (96, 48, 48)

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        self._check(image)
        stages: dict[str, nn.Module] = {}
        for number, (below, above) in enumerate(pairwise((image[0], *self.channels)), 1):
            stages[f"conv{number}"] = nn.Sequential(nn.Conv2d(below, above, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU())
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        self._check(image)
        factor = 2 ** len(self.channels)
        top = (self.channels[-1], image[1] // factor, image[2] // factor)
        layers: list[nn.Module] = [nn.Linear(inputs, top[0] * top[1] * top[2]), nn.ReLU(), Grid(top)]
        for below, above in pairwise((*reversed(self.channels), image[0])):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(below, above, 3, 1, 1), nn.ReLU()]
        return nn.Sequential(*layers[:-1])  # the last layer is linear: the likelihood reads it

    def _check(self, image: tuple[int, int, int]) -> None:
        factor = 2 ** len(self.channels)
        if not self.channels or image[1] % factor or image[2] % factor:
            raise Refusal(
                f"net=pooled halves {len(self.channels)} times: name at least one width in net.channels, and give "
                f"images whose sides are multiples of {factor}, not {image[1]}x{image[2]}"
            )
