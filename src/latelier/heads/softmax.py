"""A softmax on the code, learned together with the model: L = L_model + xi * -log p(y | z) on labelled images.

The weight's default is xi = N_x / (C rho), N_x pixels, C classes and rho the labelled share of a batch (Pu et al.
2016, section 3: 156.8 for 28x28 pixels, 10 classes, half a batch labelled), so that a few labels are heard beside many
pixels."""

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from latelier.core import Code, Encodes, Optimiser, Refusal
from latelier.objectives.labels import cross_entropy


@dataclass(frozen=True)
class Config:
    """Defaults: the weight of the source and half of every batch labelled; beside an adversary 1 and a tenth."""

    weight: float | None = None  # xi; none means the default
    labelled: float | None = None  # share of every batch drawn from the labelled images; none means the default
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.labelled is not None and not 0 < self.labelled <= 1:
            raise Refusal(f"head.labelled is the labelled share of a batch, above 0 and at most 1, not {self.labelled}")


class Head(nn.Module):
    """Linear classifier of a code of ``width`` numbers."""

    def __init__(self, config: Config, width: int, classes: int, image: tuple[int, int, int]):
        """``config`` names its weight and share, or they are the source's."""
        super().__init__()
        if classes < 2:
            raise Refusal(
                f"head=softmax needs at least 2 classes, but the pictures have {classes}; give labelled pictures"
            )
        self.config = config
        self.linear = nn.Linear(width, classes)
        pixels = math.prod(image[1:])
        self.labelled = config.labelled or Encodes.labelled
        self.weight = pixels / (classes * self.labelled) if config.weight is None else config.weight

    def loss(self, code: Code, label: Tensor) -> Tensor:
        """[b] nats, already weighted; 0 where the label is unknown."""
        return self.weight * cross_entropy(self.linear(flat(code)), label)

    def probabilities(self, code: Code) -> Tensor:
        """[b, classes]."""
        return functional.softmax(self.linear(flat(code)).float(), dim=1)


def flat(code: Code) -> Tensor:
    """All latents side by side, [b, k], in the order of their names in the code."""
    from torch import cat

    return cat([value.flatten(1) for value in code.values()], dim=1)
