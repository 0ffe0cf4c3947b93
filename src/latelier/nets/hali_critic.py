"""The critic of a hierarchy, and the stages of the table's (HALI, table 4)."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn

from latelier.nets.halving import Size, halvings
from latelier.nets.pixel_range import Centred
from latelier.nets.regularised import Layer, Layers, Norm, layer

if TYPE_CHECKING:
    from latelier.nets.hali import Plan


class Critic(nn.Module):
    """D(x, z1, ..., zL): image [b, c, h, w] in [0, 1] and codes, from the image upwards -> logit [b]. Each stage
    takes the next level beside what the one below made of the others; what the last but one answers has one place."""

    def __init__(self, stages: Iterable[Layers], verdict: Layers):
        super().__init__()
        self.centred, self.stages, self.verdict = Centred(), nn.ModuleList(stages), verdict

    def embed(self, image: Tensor, *codes: Tensor, generator: Generator | None = None) -> Tensor:
        """[b, d] after the last hidden layer; with a generator under dropout."""
        out = self.stages[0](self.centred(image), generator)
        codes = codes if len(codes) > 1 else (image.new_empty(len(image), 0, *out.shape[2:]), *codes)
        for stage, code in zip(self.stages[1:], codes, strict=True):
            code = code if code.dim() == 4 else code[:, :, None, None]
            out = stage(torch.cat([out, code.to(out.dtype)], 1), generator)
        top: Tensor = out.flatten(1)
        return top

    def forward(self, image: Tensor, *codes: Tensor, generator: Generator | None = None) -> Tensor:
        top = self.embed(image, *codes, generator=generator)
        logit: Tensor = self.verdict(top[:, :, None, None], generator)
        return logit.float().flatten()


def stages_of(plan: "Plan", norm: Norm, dropout: float) -> list[Layers]:
    """The image's, each level's of maps, and the top's."""
    m, low, high = plan.maps, 0.2 * dropout, 0.5 * dropout
    twice = 2 if len(plan.path) == 3 else 1

    def judging(below: int, above: int, kernel: int | Size, stride: int, share: float, norm: Norm = norm) -> Layer:
        padding = 1 if kernel == 3 else 0
        return layer(nn.Conv2d(below, above, kernel, stride, padding), plan.slope, norm, share)

    stages = [
        Layers(
            [
                judging(plan.image[0], m(32), 3, 1, low),
                judging(m(32), m(64), 3, 2, high),
                judging(m(64), m(64), 3, twice, high),
                judging(m(64), m(64), 3, 1, high),
            ]
        )
    ]
    below = m(64)
    for channels in plan.levels[:-2]:
        above = m(128)
        stages.append(Layers([judging(below + channels, above, 3, 1, low), judging(above, above, 3, 2, high)]))
        below = above
    steps = halvings(plan.sizes[-1])
    maps = plan.levels[-2] if len(plan.levels) > 1 else 0
    widths = [m(256)] * (len(steps) - 2) + [m(512)] * (len(steps) > 1)
    gather = [judging(below + maps, m(128), 3, 1, low)]
    gather += [judging(b, a, 3, 2, high) for b, a in pairwise([m(128), *widths])]
    gather.append(judging([m(128), *widths][-1], m(512), steps[-1], 1, low))
    stages.append(Layers(gather))
    top = [judging(m(512) + plan.levels[-1], m(1024), 1, 1, high, "none")]
    stages.append(Layers([*top, judging(m(1024), m(1024), 1, 1, high, "none")]))
    return stages
