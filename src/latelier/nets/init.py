"""First weights of the nets of a game."""

import math

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def inputs(layer: nn.Module) -> int:
    """Of each of its outputs."""
    assert isinstance(layer, LINEAR)
    if isinstance(layer, nn.ConvTranspose2d):  # its weights stand the other way round, and stride spreads them out
        return layer.weight[:, 0].numel() // math.prod(layer.stride)
    return layer.weight[0].numel()


@torch.no_grad()
def init_normal_(sd: float, *nets: nn.Module) -> None:
    """First weights N(0, sd^2) and biases 0 of all convolutions and linear layers of nets with batch norm. In others
    the variance is 2 / fan-in (He et al. 2015, arXiv 1502.01852, eq. 10), which keeps a signal's size."""
    for net in nets:
        normed = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in net.modules())
        for layer in net.modules():
            if isinstance(layer, LINEAR):
                here = sd if normed else math.sqrt(2 / inputs(layer))
                if is_parametrized(layer):
                    layer.weight = here * torch.randn_like(layer.weight)  # is taken apart by the norm
                else:
                    nn.init.normal_(layer.weight, std=here)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)


@torch.no_grad()
def init_variance_(net: nn.Module, variance: float) -> nn.Conv2d | nn.ConvTranspose2d | nn.Linear:
    """Weights of the net's last layer such that its outputs have about this variance over images, if its inputs have
    passed batch norm and a rectifier, whose mean square is one half. Answers that layer."""
    last = [layer for layer in net.modules() if isinstance(layer, LINEAR)][-1]
    nn.init.normal_(last.weight, std=math.sqrt(2 * variance / inputs(last)))
    return last


@torch.no_grad()
def init_sd_(net: nn.Module, sd: float) -> None:
    """The net's last layer, which answers mean and log sd of a Gaussian side by side, such that the sd is about ``sd``
    everywhere, and drawn codes have variance 1 over images. A critic sees from the start which code belongs to which
    image, and on either side codes of one scale."""
    last = init_variance_(net, 1 - sd**2)
    half = len(last.weight) // 2
    last.weight[half:] *= 0.1
    if last.bias is not None:
        last.bias[half:] = math.log(sd)
