"""A judge of attributes that reads VGG-16's maps (Simonyan & Zisserman 2015, arXiv 1409.1556), with a file of the
user's: HALI's judge was that net, learned whole on CelebA; here a linear layer is learned on its maps."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from latelier.scores.given_weights import Standardised, fill, nets, tensors

SIDE, CELLS, CHANNELS = 224, 2, 512  # px that it takes; means over CELLS x CELLS parts of its last map; its maps
DEPTH = CHANNELS * CELLS**2


class Resized(nn.Module):
    """[b, 1 or 3, h, w] -> [b, 3, SIDE, SIDE]."""

    def forward(self, image: Tensor) -> Tensor:
        return interpolate(image.expand(-1, 3, -1, -1), (SIDE, SIDE), mode="bilinear", antialias=True)


def maps(path: Path, score: str) -> nn.Sequential:
    """[b, 1 or 3, h, w] in [0, 1] -> [b, DEPTH], with the weights of torchvision's vgg16 in a safetensors file. Raises
    Refusal where it does not fit, or torchvision is lacking, in the name of ``score``."""
    given = {name: tensor for name, tensor in tensors(path, score).items() if name.startswith("features.")}
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        plain = nets(score).vgg16(weights=None, init_weights=False)
    net = nn.ModuleDict({"features": plain.features}).to_empty(device="cpu")
    fill(net, given, path, score, "vgg16")
    whole = nn.Sequential(Resized(), Standardised(), net["features"], nn.AdaptiveAvgPool2d(CELLS), nn.Flatten())
    return whole.eval().requires_grad_(False)
