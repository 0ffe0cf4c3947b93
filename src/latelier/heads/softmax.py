"""A softmax on the code, learned together with the model."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from latelier.core import Code, Optimiser
from latelier.heads.label import LabelConfig, LabelHead, flat
from latelier.objectives.labels import cross_entropy


@dataclass(frozen=True)
class Config(LabelConfig):
    """Nothing of its own."""


class Head(LabelHead):
    """Linear classifier of a code of ``width`` numbers."""

    def __init__(self, config: Config, width: int, classes: int, image: tuple[int, int, int]):
        super().__init__(config, classes, image, "softmax")
        self.config, self.linear = config, nn.Linear(width, classes)

    def optimisers(self) -> dict[str, Optimiser]:
        return {"head": self.config.optimiser}

    def loss(self, code: Code, label: Tensor) -> Tensor:
        return self.weight * cross_entropy(self.linear(flat(code)), label)

    def softly(self, code: Code, share: Tensor) -> Tensor:
        return self.weight * -(share * functional.log_softmax(self.scores(code), dim=1)).sum(1)

    def scores(self, code: Code) -> Tensor:
        out: Tensor = self.linear(flat(code)).float()
        return out

    def probabilities(self, scores: Tensor) -> Tensor:
        return functional.softmax(scores, dim=1)
