"""What all label heads share: L = L_model + xi * -log p(y | z) on labelled images.

The weight's default is xi = N_x / (C rho), N_x pixels, C classes and rho the labelled share of a batch (Pu et al.
2016, section 4: 156.8 for 28x28 pixels, 10 classes, half a batch labelled), so that a few labels are heard beside many
pixels."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from latelier.core import Code, Encodes, Optimiser
from latelier.errors import Refusal
from latelier.heads.unlabelled import Consistent, Unlabelled
from latelier.heads.words import Words

MOST_VIEWS = 256  # at most, that a prediction averages: each is a pass of the encoder, and 16 are usual


@dataclass(frozen=True)
class LabelConfig:
    """Defaults: the weight of the source and half of every batch labelled; beside an adversary 1 and a tenth."""

    weight: float | None = None  # xi; none means the default
    labelled: float | None = None  # share of every batch drawn from the labelled images; none means the default
    optimiser: Optimiser = Optimiser(rate=1e-3)
    unlabelled: Literal["none", "consistent", "words"] = "none"  # what is learned from images without a label
    threshold: float | None = None  # how sure the head must be of one; none means the head's own
    rounds: tuple[float, ...] = ()  # shares of the run after which labels are propagated on the codes
    pool: int = 12_000  # unlabelled images that they are propagated to, at most
    prior: tuple[float, ...] = ()  # shares of the classes among all images; by default even
    views: int = 0  # changed views of an image whose answers a prediction averages; 0 for the image as it is

    def __post_init__(self) -> None:
        if self.weight is not None and self.weight < 0:
            raise Refusal(f"head.weight is what a label counts beside an image, at least 0, not {self.weight:g}")
        if self.labelled is not None and not 0 < self.labelled <= 1:
            raise Refusal(f"head.labelled is the labelled share of a batch, above 0 and at most 1, not {self.labelled}")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise Refusal(f"head.threshold is a probability between 0 and 1, not {self.threshold:g}")
        if list(self.rounds) != sorted(set(self.rounds)) or any(not 0 <= share < 1 for share in self.rounds):
            raise Refusal(f"head.rounds are rising shares of the run, from 0 to below 1, not {_said(self.rounds)}")
        if self.pool < 1:
            raise Refusal(f"head.pool is a number of images, at least 1, not {self.pool}")
        if self.prior and not all(share > 0 for share in self.prior):
            raise Refusal(f"head.prior gives every class a share above 0, not {_said(self.prior)}")
        if not 0 <= self.views <= MOST_VIEWS:
            raise Refusal(f"head.views is a number of changed views, from 0 to {MOST_VIEWS}, not {self.views}")
        if self.rounds and self.unlabelled != "consistent":
            raise Refusal("head.rounds go with head.unlabelled=consistent; set that as well")
        if self.threshold is not None and self.unlabelled == "words":
            raise Refusal("head.threshold goes with head.unlabelled=consistent; words give every image a pseudo-label")
        if self.views and self.unlabelled == "none":
            raise Refusal("head.views go with head.unlabelled=consistent or words; set that as well")


def _said(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


class LabelHead(nn.Module, ABC):
    """Tells the class of a code."""

    draws = 0  # of the code that a prediction averages; 0 for the most likely code alone
    sure = 0.95  # probability from which an unlabelled image gets a pseudo-label

    def __init__(self, config: LabelConfig, classes: int, image: tuple[int, int, int], name: str):
        """``config`` names its weight and share, or they are the source's."""
        super().__init__()
        self.config: LabelConfig = config
        if classes < 2:
            raise Refusal(f"head={name} needs at least 2 classes, but the images have {classes}; give labelled images")
        self.labelled = config.labelled or Encodes.labelled
        pixels = math.prod(image[1:])
        self.weight = pixels / (classes * self.labelled) if config.weight is None else config.weight
        if config.prior and len(config.prior) != classes:
            raise Refusal(f"head.prior has {len(config.prior)} shares, but the images have {classes} classes")
        self.unlabelled: Unlabelled | None = None
        if config.unlabelled == "consistent":
            self.unlabelled = Consistent(image, classes, config.threshold or self.sure, config.prior)
        elif config.unlabelled == "words":
            self.unlabelled = Words(image, classes, config.prior)

    @abstractmethod
    def optimisers(self) -> dict[str, Optimiser]:
        """Of the player "head"; empty for a head that learns in closed form."""

    @abstractmethod
    def loss(self, code: Code, label: Tensor) -> Tensor:
        """[b] nats, already weighted; 0 where the label is unknown."""

    def softly(self, code: Code, share: Tensor) -> Tensor:
        """[b] nats, already weighted: the mean of ``loss`` over classes by their ``share`` [b, classes]."""
        rows = torch.full_like(share[:, 0], 0, dtype=torch.int64)
        return torch.stack([self.loss(code, rows + number) * part for number, part in enumerate(share.unbind(1))]).sum(
            0
        )

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
