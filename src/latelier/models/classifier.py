"""An encoder and a softmax layer that learn from the labelled images alone: the yardstick of few-label learning.

Minimises cross-entropy; images without a label add nothing. A label head, if one is asked for, takes the softmax
layer's place, and may learn from images without a label too (latelier.heads)."""

from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn import functional

from latelier.config.settings import LEAST
from latelier.core import (
    Batch,
    Classifies,
    Encodes,
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
from latelier.models.shared import EncoderFilters, EncoderStages
from latelier.nets.conv import Conv
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.nets.resnet9 import Resnet9, Resnet18
from latelier.objectives.labels import cross_entropy


@dataclass(frozen=True)
class Config:
    """``latent`` is the width of the code under the softmax, as in the model that it stands beside."""

    latent: int = field(default=32, metadata={LEAST: 1})
    classes: int = 10  # set from the data; 0 where a label head predicts them
    net: Mlp | Conv | Resnet | Resnet9 | Resnet18 = Conv()
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.classes < 2 and self.classes:
            raise Refusal(f"classifier: at least 2 classes are needed, not {self.classes}; give labelled images")


class Model(Base, Encodes, EncoderStages, EncoderFilters, Classifies):
    """``Config`` says which net."""

    needs_labels = True
    label_weight = 1.0  # there is no other loss to be loud beside

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), "point")}
        self.encoder = config.net.encoder(image, config.latent)
        self.head = nn.Linear(config.latent, config.classes) if config.classes else None
        self.players = {"model": [self.encoder, *([self.head] if self.head else [])]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.encoder(image).float()})

    def classify(self, image: Tensor) -> Tensor:
        if self.head is None:
            raise Refusal("classifier: its classes are predicted by the label head around it; ask that")
        return functional.softmax(self.head(self.encoder(image)).float(), dim=1)

    def monitor(self) -> Metric:
        return Metric("loss" if self.head is None else "cross-entropy")

    def tells(self, labelled: int, captioned: int) -> bool:
        return labelled > 0

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        z = self.encoder(batch.image)
        if self.head is None:  # the head around it has all there is to learn
            return Losses(minimise={"model": z.new_zeros(())}, report={}, code={"z": z.float()})
        loss = cross_entropy(self.head(z), batch.label)
        return Losses(minimise={"model": loss.mean()}, report={"cross-entropy": loss}, code={"z": z})
