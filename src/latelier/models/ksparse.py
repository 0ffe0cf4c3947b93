"""The k-sparse autoencoder: linear, but for keeping the k largest activations alone.

z = W^T x + b, all but its k largest numbers set to 0; x' = W z + b'; the squared error, summed over pixels, is
propagated back through the k kept numbers alone (Makhzani & Frey 2013, arXiv 1312.5663). Several layers are trained one
after the other, each on the sparse code of the one below: each is a player, and which one learns is a matter of how
many images were seen.

Dead units, small k's sickness, are kept alive by a schedule: k falls from ``start`` to its own value over the first
part of a layer's training. ``revive`` adds a loss that lets the units that a batch did not use explain what is left
over (after Gao et al. 2024, arXiv 2406.04093, section 2.4).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from latelier.core import (
    Batch,
    Code,
    Decodes,
    Encodes,
    Features,
    HasFilters,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Progress,
    Refusal,
)
from latelier.core import Model as Base
from latelier.models.autoencoder import Point
from latelier.objectives.layerwise import stage


@dataclass(frozen=True)
class Config:
    """Defaults: 1000 units, k = 25 and the schedule of the source, as far as it says. The source's optimiser, momentum
    .9 at .01, diverges on bright images, so that Adam is the default; ``optimiser.kind=sgd optimiser.rate=0.01`` is
    the source's."""

    widths: tuple[int, ...] = (1000,)  # units of each layer
    k: tuple[int, ...] = (25,)  # of each layer; one number serves all
    start: int = 100  # k at the beginning
    fall: float = 0.5  # share of a layer's training over which k falls to its value
    alpha: float = 3.0  # features keep alpha * k numbers
    revive: float = 0.0  # weight of the unused units' loss; 1/32 in Gao et al.
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise Refusal(f"ksparse: widths are the units of each layer, at least 1, not {self.widths}")
        if len(self.k) not in (1, len(self.widths)) or min(self.k) < 1 or self.alpha < 1:
            raise Refusal(
                f"ksparse: k is one number, or one a layer, from 1 up, and alpha at least 1; not k={self.k} for "
                f"{len(self.widths)} layers and alpha={self.alpha}"
            )
        if not 0 <= self.fall <= 1:
            raise Refusal(f"ksparse: fall is a share of training from 0 to 1, not {self.fall}")


def largest(z: Tensor, k: int) -> Tensor:
    """z [b, units] with all but the k largest numbers (not the largest in magnitude) set to 0; exactly k are kept."""
    if k >= z.shape[1]:
        return z
    kept = z.topk(k, dim=1, sorted=False)
    return torch.zeros_like(z).scatter(1, kept.indices, kept.values)


class Layer(nn.Module):
    """One k-sparse layer with tied weights: up [b, below] -> [b, units], before anything is set to 0; down the way
    back."""

    def __init__(self, below: int, units: int):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(below, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.bias_down = nn.Parameter(torch.zeros(below))

    def up(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias

    def down(self, z: Tensor) -> Tensor:
        return torch.addmm(self.bias_down, z, self.weight.T)


class Model(Base, Encodes, Decodes, Features, HasFilters):
    """``encode`` keeps k numbers, so that it can be decoded; ``features`` keep alpha * k, as the source has it for
    recognition."""

    higher = ("used units",)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        sizes = (math.prod(image), *config.widths)
        self.k = config.k * len(config.widths) if len(config.k) == 1 else config.k
        self.stack = nn.ModuleList(Layer(a, b) for a, b in pairwise(sizes))
        self.latents = {"z": Latent((config.widths[-1],), "point")}
        self.players = {f"layer{number}": [layer] for number, layer in enumerate(self.stack, 1)}
        self.coder = f"layer{len(self.stack)}"

    @property
    def layers(self) -> list[Layer]:
        """From the image upwards."""
        return cast(list[Layer], list(self.stack))

    def optimisers(self) -> dict[str, Optimiser]:
        return dict.fromkeys(self.players, self.config.optimiser)

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self._code(image.flatten(1), len(self.layers))})

    def decode(self, code: Code) -> Tensor:
        z = code["z"].float()
        for layer in reversed(self.layers):
            z = layer.down(z)
        return z.clamp(0, 1).view(-1, *self.image)

    def depths(self) -> tuple[str, ...]:
        return tuple(self.players)

    def features(self, image: Tensor, depth: str) -> Tensor:
        if depth not in self.players:
            raise Refusal(f"no depth '{depth}' in this model (known: {', '.join(self.players)})")
        number = self.depths().index(depth)
        z = self.layers[number].up(self._code(image.flatten(1), number)).float()
        return largest(z, round(self.config.alpha * self.k[number]))

    def filters(self) -> Tensor:
        return self.layers[0].weight.T.reshape(-1, *self.image)

    def monitor(self) -> Metric:
        return Metric("error")

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        number, done = stage(progress, len(self.layers))
        below = self._code(batch.image.flatten(1), number).detach()
        layer, k = self.layers[number], self.k_at(number, done)
        z = layer.up(below).float()
        sparse = largest(z, k)
        left = below - layer.down(sparse).float()
        error = left.square().sum(1)
        used = (sparse != 0).any(0)
        loss, report = error, {"error": error, "used units": used.float().mean().expand(len(error))}
        if self.config.revive:
            report["left over"] = self._left_over(layer, z, used, left.detach(), k)
            loss = loss + self.config.revive * report["left over"]
        return Losses(minimise={f"layer{number + 1}": loss.mean()}, report=report)

    def k_at(self, number: int, done: float) -> int:
        """k of a layer, ``done`` (from 0 to 1) of the way through its training."""
        k = min(self.k[number], self.config.widths[number])
        start = max(k, min(self.config.start, self.config.widths[number]))
        return k if done >= self.config.fall else round(start + (k - start) * done / self.config.fall)

    def _code(self, x: Tensor, layers: int) -> Tensor:
        """The sparse code after this many layers."""
        for layer, k in zip(self.layers[:layers], self.k, strict=False):
            x = largest(layer.up(x).float(), k)
        return x

    @staticmethod
    def _left_over(layer: Layer, z: Tensor, used: Tensor, left: Tensor, k: int) -> Tensor:
        """[b]: what units that no image used leave of the error of the others."""
        idle = z.masked_fill(used, -torch.inf)
        chosen = largest(idle, k)
        return (left - chosen.where(chosen.isfinite(), 0) @ layer.weight.T).square().sum(1)
