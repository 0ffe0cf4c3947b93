"""Fully connected nets: any widths, none at all for a linear one."""

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latelier.nets.encoder import Encoder, Grid, activation


@dataclass(frozen=True)
class Mlp:
    """Hidden layers of these widths, mirrored in the decoder. The defaults are the 2D-shapes row of the lecture's table
    (Higgins et al. 2017, table 1): 1200, 1200 ReLU up, tanh down."""

    widths: tuple[int, ...] = (1200, 1200)
    activation: str = "relu"
    decoder_activation: str = "tanh"

    def encoder(self, image: tuple[int, int, int], outputs: int) -> Encoder:
        sizes = (math.prod(image), *self.widths)
        stages: dict[str, nn.Module] = {"pixels": nn.Flatten()}
        for number, (below, above) in enumerate(pairwise(sizes), 1):
            stages[f"hidden{number}"] = nn.Sequential(nn.Linear(below, above), activation(self.activation))
        return Encoder(stages, image, outputs)

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        sizes = (inputs, *reversed(self.widths), math.prod(image))
        layers: list[nn.Module] = []
        for below, above in pairwise(sizes):
            layers += [nn.Linear(below, above), activation(self.decoder_activation)]
        return nn.Sequential(*layers[:-1], Grid(image))  # the last layer is linear: the likelihood reads it


def layers_of(net: nn.Module) -> list[nn.Module]:
    """The linear layers of an MLP's encoder or decoder in their order, each with what follows it."""
    if isinstance(net, Encoder):
        return [stage for name, stage in net.stages.items() if name != "pixels"] + [net.head]
    steps = list(net.children())
    starts = [place for place, step in enumerate(steps) if isinstance(step, nn.Linear)]
    return [nn.Sequential(*steps[a:b]) for a, b in pairwise([*starts, len(steps)])]
