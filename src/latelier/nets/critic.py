"""The image critic of PatchVAE's "-GAN" rows: convolutions whose verdicts on patches are averaged."""

from itertools import pairwise

from torch import Tensor, nn

from latelier.errors import Refusal
from latelier.nets.pixel_range import Centred

CHANNELS = (64, 128, 256)


class ImageCritic(nn.Module):
    """Image [b, c, h, w] in [0, 1] -> logit [b] that it is one of the data; 659,456 weights for colour."""

    def __init__(self, image: tuple[int, int, int]):
        super().__init__()
        if min(image[1:]) < 2 ** len(CHANNELS):
            raise Refusal(f"critic=image: sides must be 8 pixels or more, not {image[1]}x{image[2]}")
        layers: list[nn.Module] = [Centred()]
        for below, above in pairwise((image[0], *CHANNELS)):
            norm = [nn.BatchNorm2d(above)] if below != image[0] else []
            layers += [nn.Conv2d(below, above, 4, 2, 1, bias=False), *norm, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(CHANNELS[-1], 1, 1, bias=False))

    def forward(self, image: Tensor) -> Tensor:
        out: Tensor = self.layers(image)
        return out.float().mean((1, 2, 3))
