"""A trunk in named stages with a head on top, and the map back onto the image's grid."""

import torch
from torch import Tensor, nn

from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating


class Encoder(nn.Module):
    """image [b, c, h, w] -> [b, outputs]. ``stages`` maps a depth's name to its layers, from the image upwards; the
    head is a linear layer to this many ``outputs``, or the one given, which takes the last stage's map as it is."""

    head: nn.Module

    def __init__(
        self,
        stages: dict[str, nn.Module],
        image: tuple[int, int, int],
        outputs: int = 0,
        head: nn.Module | None = None,
    ):
        super().__init__()
        self.image, self.stages, self.flat = image, nn.ModuleDict(stages), head is None
        if head is None:
            with evaluating(self):  # batch norm would refuse a single image, and remember it
                width = self._through(torch.zeros(1, *image), None).numel()
            head = nn.Linear(width, outputs)
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        top = self._through(image, None)
        out: Tensor = self.head(top.flatten(1) if self.flat else top)
        return out

    def depths(self) -> tuple[str, ...]:
        return tuple(self.stages)

    def features(self, image: Tensor, depth: str) -> Tensor:
        """[b, d] activations after the stage ``depth``. Raises Refusal for an unknown one."""
        if depth not in self.stages:
            raise Refusal(f"no depth '{depth}' in this encoder (known: {', '.join(self.stages)})")
        return self._through(image, depth).flatten(1)

    def filters(self) -> Tensor:
        """[n, c, h, w]: the weights of the first layer; those of a fully connected one on the image's grid."""
        first = next(layer for layer in self.modules() if isinstance(layer, nn.Linear | nn.Conv2d))
        return first.weight if isinstance(first, nn.Conv2d) else first.weight.unflatten(1, self.image)

    def _through(self, image: Tensor, last: str | None) -> Tensor:
        for name, stage in self.stages.items():
            image = stage(image)
            if name == last:
                break
        return image


class Grid(nn.Module):
    """[b, c*h*w] -> [b, c, h, w]."""

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x.unflatten(1, self.shape)
        return out


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """The layer of that name. Raises Refusal for an unknown one."""
    if name not in ACTIVATIONS:
        raise Refusal(f"no activation '{name}' (known: {', '.join(ACTIVATIONS)})")
    return ACTIVATIONS[name]()
