"""A Bayesian support vector machine for each class on the code, learned together with the model (Pu et al. 2016,
section 3.1). A prediction averages decision values over draws of the code."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latelier.core import Code, Optimiser
from latelier.errors import Refusal
from latelier.heads.label import LabelConfig, LabelHead, flat
from latelier.nets.running import Running
from latelier.objectives import bayesian_svm as svm

MOST_DRAWS = 1_000  # at most, that a prediction averages: all of an image's are held at once


@dataclass(frozen=True)
class Gradient:
    """The machines' weights take steps with all others'."""


@dataclass(frozen=True)
class Em:
    """The machines' weights are the M step's, from sums over labelled images of which each batch makes up
    ``1 - decay``."""

    decay: float = 0.98


@dataclass(frozen=True)
class Config(LabelConfig):
    """Defaults: weight and share as all heads have them, 50 draws as the source. It does not give gamma nor the prior
    of the weights: those here are better than a tenth of gamma on validation digits, and not tuned further."""

    gamma: float = 0.5  # -log L is 2 gamma times the hinge loss
    precision: float = 1e-3  # of the prior N(0, I / precision) of the weights, for each labelled image
    draws: int = 50  # of the code, over which decision values are averaged
    learning: Gradient | Em = Gradient()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma <= 0 or self.precision <= 0 or not 1 <= self.draws <= MOST_DRAWS:
            raise Refusal(
                f"head: gamma {self.gamma:g} and precision {self.precision:g} must be above 0, draws {self.draws} from "
                f"1 to {MOST_DRAWS:,}"
            )
        if isinstance(self.learning, Em) and self.unlabelled == "words":
            raise Refusal("head.learning=em counts classes, not shares of them; take gradient or unlabelled=consistent")
        if isinstance(self.learning, Em) and not 0 <= self.learning.decay < 1:
            raise Refusal(f"head.learning.decay is from 0 to below 1, not {self.learning.decay:g}")


class Stepped(nn.Module):
    """Weights that a player steps."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(width, classes)
        nn.init.zeros_(self.linear.bias)

    def beta(self) -> Tensor:
        """[classes, width + 1], the bias last."""
        return torch.cat([self.linear.weight, self.linear.bias[:, None]], 1)


class Solved(Running):
    """Weights in closed form, from running moments of labelled codes."""

    gram: Tensor
    pull: Tensor
    weight: Tensor

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.register_buffer("gram", torch.zeros(classes, width + 1, width + 1))
        self.register_buffer("pull", torch.zeros(classes, width + 1))
        self.register_buffer("weight", torch.zeros(classes, width + 1))

    def beta(self) -> Tensor:
        """[classes, width + 1], the bias last: a copy, since a later batch's step may come before the way back."""
        return self.weight.clone()

    @torch.no_grad()
    def follow(self, code: Tensor, label: Tensor, config: Config, decay: float) -> None:
        """One E step on a batch's labelled codes [b, width + 1] and the M step on the running moments."""
        known = label >= 0
        count = known.sum().clamp(min=1)
        y = svm.one_versus_rest(label, len(self.weight)) * known[:, None]
        with torch.autocast(code.device.type, enabled=False):
            gram, pull = svm.moments(code * known[:, None], y, self.weight)
        keep = decay if bool(self.pull.any()) else 0.0
        self.gram.lerp_(gram / count, 1 - keep)
        self.pull.lerp_(pull / count, 1 - keep)
        self.weight.copy_(svm.solve(self.gram, self.pull, config.gamma, config.precision))


class Head(LabelHead):
    """One machine a class against all others, on a code of ``width`` numbers and a constant."""

    sure = 0.8
    config: Config

    def __init__(self, config: Config, width: int, classes: int, image: tuple[int, int, int]):
        super().__init__(config, classes, image, "bayesian_svm")
        self.config, self.draws = config, config.draws
        stepped = isinstance(config.learning, Gradient)
        self.machines: Stepped | Solved = Stepped(width, classes) if stepped else Solved(width, classes)

    def optimisers(self) -> dict[str, Optimiser]:
        return {"head": self.config.optimiser} if isinstance(self.machines, Stepped) else {}

    def loss(self, code: Code, label: Tensor) -> Tensor:
        c, rows = self.config, with_constant(flat(code).float())
        if isinstance(self.machines, Solved) and isinstance(c.learning, Em) and self.training:
            self.machines.follow(rows.detach(), label, c, c.learning.decay)
        beta = self.machines.beta()
        prior = 0.5 * c.precision * beta.square().sum() * (label >= 0)
        return self.weight * (svm.negative_log_likelihood(rows @ beta.T, label, c.gamma) + prior)

    def scores(self, code: Code) -> Tensor:
        """Decision values."""
        return with_constant(flat(code).float()) @ self.machines.beta().T

    def probabilities(self, scores: Tensor) -> Tensor:
        return svm.log_odds(scores, self.config.gamma).softmax(1)


def with_constant(code: Tensor) -> Tensor:
    """[b, k] -> [b, k + 1], the last of them 1."""
    return functional.pad(code, (0, 1), value=1.0)
