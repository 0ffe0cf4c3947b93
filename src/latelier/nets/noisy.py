"""Layers of a critic: dropout whose noise comes from a generator, and the norms that hold a critic steady."""

import math
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from latelier.objectives.corruption import drop

Norm = Literal["none", "batch", "weight", "spectral"]


class Layer(nn.Module):
    """Dropout of the input, then what is given."""

    def __init__(self, *layers: nn.Module, share: float = 0.0):
        super().__init__()
        self.layers, self.share = nn.Sequential(*layers), share

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        out: Tensor = self.layers(x if generator is None else drop(x, self.share, generator))
        return out


class Layers(nn.ModuleList):
    """Layers, one after the other. Without a generator nothing is dropped."""

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        for layer in self:
            x = layer(x, generator)
        return x


def weighted(layer: nn.Module, norm: Norm) -> nn.Module:
    """The layer with the norm of its weights set apart (Salimans & Kingma 2016, arXiv 1602.07868, eq. 2) or with its
    greatest singular value divided out (Miyato et al. 2018, arXiv 1802.05957, eq. 8); otherwise as it is."""
    if norm == "weight":
        parametrizations.weight_norm(layer)
    if norm == "spectral":
        parametrizations.spectral_norm(layer)
    return layer


def layer(linear: nn.Conv2d | nn.Linear, slope: float, norm: Norm = "batch", share: float = 0.0) -> Layer:
    """The layer, its norm and a leaky rectifier, under dropout where a generator is given."""
    width = linear.out_channels if isinstance(linear, nn.Conv2d) else linear.out_features
    batch = nn.BatchNorm2d if isinstance(linear, nn.Conv2d) else nn.BatchNorm1d
    after = [batch(width)] if norm == "batch" else []
    return Layer(weighted(linear, norm), *after, nn.LeakyReLU(slope), share=share)


@torch.no_grad()
def scatter(sd: float, *nets: nn.Module) -> None:
    """First weights N(0, sd^2) and biases 0 of all convolutions and linear layers of nets with batch norm. In others
    the variance is 2 / fan-in (He et al. 2015, arXiv 1502.01852, eq. 10), which keeps a signal's size."""
    for net in nets:
        normed = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in net.modules())
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                here = sd if normed else math.sqrt(2 / layer.weight[0].numel())
                if is_parametrized(layer):
                    layer.weight = here * torch.randn_like(layer.weight)  # is taken apart by the norm
                else:
                    nn.init.normal_(layer.weight, std=here)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
