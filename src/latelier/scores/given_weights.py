"""Weights of others' nets, by a file of the user's: what scores that take one have in common."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from latelier.engine.state import load_weights
from latelier.errors import Refusal

MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in [0, 1], which such weights expect


class Standardised(nn.Module):
    """[b, 3, h, w] in [0, 1] -> mean 0 and sd 1 over ImageNet's pixels."""

    mean: Tensor
    sd: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", MEAN), ("sd", SD)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.sd


def tensors(path: Path, score: str) -> dict[str, Tensor]:
    """Those of a safetensors file, by name. Raises Refusal, in the name of ``score``, for a file that is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise Refusal(f"{score}: weights={path} cannot be read ({error}); give a safetensors file") from error


def fill(net: nn.Module, weights: dict[str, Tensor], path: Path, score: str, name: str) -> None:
    """Puts a file's tensors into a net that is torchvision's ``name``. Raises Refusal, in the name of ``score``, where
    they do not fit."""
    try:
        load_weights(net, weights, path)
    except Refusal as error:
        raise Refusal(f"{score}: the weights are not of torchvision's {name}: {error}") from error


def nets(score: str) -> ModuleType:
    """torchvision's. Raises Refusal, in the name of ``score``, where it is lacking."""
    try:
        return import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:  # RuntimeError: it was built for another torch
        raise Refusal(f"{score}: weights are read by torchvision ({error}): pip install 'latelier[vision]'") from error
