"""Convolutions of stride 2 down to a small map, and their mirror image."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import nn

from latelier.errors import Refusal
from latelier.nets.encoder import Encoder, Grid, activation
from latelier.nets.norm import Norm


@dataclass(frozen=True)
class Conv:
    """4x4 convolutions of stride 2, and back by nearest-neighbour doublings and 3x3 convolutions (``up=transposed``:
    the first ones turned round). Where ``channels`` is empty, they are the first of 32, 32, 64, 64, as many as bring
    the image to about 4 pixels.

    ``hidden=256 activation=relu up=transposed`` is the Chairs row of the lecture's table (Higgins et al. 2017, table
    1). Between few images its hidden layers learn the training images by heart: of 900 faces at 32 pixels, unseen ones
    come back at 21.1 dB with them and at 22.1 dB without, after as many steps (docs/defaults.md)."""

    channels: tuple[int, ...] = ()
    hidden: int = 0  # units of a fully connected layer between maps and code; 0 for none
    activation: str = "leaky_relu"
    up: Literal["resize", "transposed"] = "resize"
    stem: int = 0  # channels of a 3x3 convolution before the first of stride 2; 0 for none
    norm: Literal["none", "group"] = "none"  # after each of the encoder's convolutions

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        maps, sizes = self._plan(image)
        stages: dict[str, nn.Module] = {}
        if self.stem:
            stages["stem"] = self._stage(nn.Conv2d(image[0], self.stem, 3, 1, 1))
        for number, (below, above) in enumerate(pairwise((self.stem or image[0], *maps)), 1):
            stages[f"conv{number}"] = self._stage(nn.Conv2d(below, above, 4, 2, 1))
        top = maps[-1] * sizes[-1][0] * sizes[-1][1]
        if self.hidden:
            stages["hidden"] = nn.Sequential(nn.Flatten(), nn.Linear(top, self.hidden), activation(self.activation))
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        maps, sizes = self._plan(image)
        h, w = sizes[-1]
        hidden = [nn.Linear(inputs, self.hidden), activation(self.activation)] if self.hidden else []
        top = nn.Linear(self.hidden or inputs, maps[-1] * h * w)
        layers: list[nn.Module] = [*hidden, top, activation(self.activation), Grid((maps[-1], h, w))]
        for (below, above), (size, target) in zip(
            pairwise((*reversed(maps), image[0])), pairwise(reversed(sizes)), strict=True
        ):
            layers += [*self._larger(below, above, size, target), activation(self.activation)]
        return nn.Sequential(*layers[:-1])

    def _stage(self, layer: nn.Conv2d) -> nn.Sequential:
        norms = [Norm(layer.out_channels)] if self.norm == "group" else []
        return nn.Sequential(layer, *norms, activation(self.activation))

    def _larger(self, below: int, above: int, size: tuple[int, int], target: tuple[int, int]) -> list[nn.Module]:
        """From this many maps of one size to others of about twice the size."""
        if self.up == "resize":
            return [nn.Upsample(size=target), nn.Conv2d(below, above, 3, 1, 1)]
        odd = (target[0] - 2 * size[0], target[1] - 2 * size[1])  # an odd size loses a row on the way down
        return [nn.ConvTranspose2d(below, above, 4, 2, 1, output_padding=odd)]

    def _plan(self, image: tuple[int, int, int]) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
        """Channels of each stage, and the sizes (h, w) from the image to the top map."""
        _, h, w = image
        maps = self.channels or (32, 32, 64, 64)[: max(1, (min(h, w) // 4).bit_length() - 1)]
        sizes = [(h, w)]
        for _ in maps:
            sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
        if min(sizes[-1]) < 1:
            most = min(h, w).bit_length() - 1
            raise Refusal(
                f"net.channels asks for {len(maps)} halvings, but {h}x{w} pixels allow {most}: name at most "
                f"{most} widths"
            )
        return maps, sizes
