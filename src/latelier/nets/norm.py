"""Group normalisation that is fast on CPUs."""

import math

import torch
from torch import Tensor, nn

GROUPS = 8  # at most; as many as divide the channels


class Norm(nn.GroupNorm):
    """Of this many channels, in ``GROUPS`` groups or fewer. On a CPU torch takes several times as long for bfloat16
    maps that lie channels last as for contiguous ones; two copies are cheaper. The result lies as convolutions like
    it."""

    def __init__(self, channels: int):
        super().__init__(math.gcd(GROUPS, channels), channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.bfloat16 or x.device.type != "cpu":
            return super().forward(x)
        return super().forward(x.contiguous()).contiguous(memory_format=torch.channels_last)
