"""Layers of a critic: dropout whose noise comes from a generator, and the norms that hold a critic steady."""

from typing import Literal

from torch import Generator, Tensor, nn
from torch.nn.utils import parametrizations

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
