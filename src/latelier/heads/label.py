"""What all label heads share: L = L_model + xi * -log p(y | z) on labelled images.

The weight's default is xi = N_x / (C rho), N_x pixels, C classes and rho the labelled share of a batch (Pu et al.
2016, section 4: 156.8 for 28x28 pixels, 10 classes, half a batch labelled), so that a few labels are heard beside many
pixels."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latelier.core import Code, Encodes, Optimiser, Refusal


@dataclass(frozen=True)
class LabelConfig:
    """Defaults: the weight of the source and half of every batch labelled; beside an adversary 1 and a tenth."""

    weight: float | None = None  # xi; none means the default
    labelled: float | None = None  # share of every batch drawn from the labelled images; none means the default
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.labelled is not None and not 0 < self.labelled <= 1:
            raise Refusal(f"head.labelled is the labelled share of a batch, above 0 and at most 1, not {self.labelled}")


class LabelHead(nn.Module, ABC):
    """Tells the class of a code."""

    draws = 0  # of the code that a prediction averages; 0 for the most likely code alone

    def __init__(self, config: LabelConfig, classes: int, image: tuple[int, int, int], name: str):
        """``config`` names its weight and share, or they are the source's."""
        super().__init__()
        if classes < 2:
            raise Refusal(
                f"head={name} needs at least 2 classes, but the pictures have {classes}; give labelled pictures"
            )
        self.labelled = config.labelled or Encodes.labelled
        pixels = math.prod(image[1:])
        self.weight = pixels / (classes * self.labelled) if config.weight is None else config.weight

    @abstractmethod
    def optimisers(self) -> dict[str, Optimiser]:
        """Of the player "head"; empty for a head that learns in closed form."""

    @abstractmethod
    def loss(self, code: Code, label: Tensor) -> Tensor:
        """[b] nats, already weighted; 0 where the label is unknown."""

    @abstractmethod
    def scores(self, code: Code) -> Tensor:
        """[b, classes], any range; the class is the largest. These are averaged over draws."""

    def errors(self, code: Code, label: Tensor) -> Tensor:
        """[b], 1 where the class of the code is another than the label; 0 where the label is unknown."""
        return ((self.scores(code).argmax(1) != label) & (label >= 0)).float()

    @abstractmethod
    def probabilities(self, scores: Tensor) -> Tensor:
        """[b, classes] of scores."""


def flat(code: Code) -> Tensor:
    """All latents side by side, [b, k], in the order of their names in the code."""
    return torch.cat([value.flatten(1) for value in code.values()], dim=1)
