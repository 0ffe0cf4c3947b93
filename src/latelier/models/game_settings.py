"""Settings that the games of encoder, decoder and critic have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from latelier.core import Optimiser, Refusal
from latelier.models.collapse import apart
from latelier.nets.compact import Compact
from latelier.nets.joint import Dense, Strided, Valid
from latelier.nets.joint_resnet9 import Resnet9
from latelier.nets.regularised import Norm
from latelier.objectives.game import judged, ordered, outdone, right, steepness

JointNet = Dense | Strided | Valid | Compact | Resnet9
SLOW = Optimiser(rate=3e-4, betas=(0.5, 0.999))  # the coder
FAST = Optimiser(rate=1e-3, betas=(0.5, 0.999))  # the critic, whose verdict must follow what the coder does


@dataclass(frozen=True)
class Critic:
    """What the critic is like, and how it is held back."""

    norm: Norm = "none"
    dropout: float = 1.0  # times the net's own probabilities
    r1: float = 0.0  # weight of R1: half of it times the squared slope of the logit at the data's side
    r2: float = 0.0  # and of R2, at the drawn side
    unit: Literal["distance", "one"] = "distance"  # of slopes: the root mean square distance of what is seen, or 1
    share: float = 0.25  # of a batch, whose slopes are counted: those of all take more than a third of a step's time
    optimiser: Optimiser = FAST

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise Refusal(f"critic.share is a share of a batch, above 0 and at most 1, not {self.share:g}")
        if not 0 <= self.dropout < 2:
            raise Refusal(
                f"critic.dropout multiplies probabilities of up to one half: from 0 to below 2, not {self.dropout}"
            )
        if min(self.r1, self.r2) < 0:
            raise Refusal(f"critic.r1 and critic.r2 are weights, at least 0, not {self.r1:g} and {self.r2:g}")

    def slopes(
        self, judge: Callable[..., Tensor], data: tuple[Tensor, ...], drawn: tuple[Tensor, ...], generator: Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """[b] each, the squared slopes at both sides that are asked for, and the penalty for them. Those of the first
        ``share`` of the batch stand for the others'."""
        found, penalty = dict[str, Tensor](), data[0].new_zeros(())
        counted = self.unit == "distance" and max(self.r1, self.r2) > 0
        units = [spread(part) for part in data] if counted else None
        n = len(data[0])
        first = max(1, round(self.share * n))
        for name, weight, side in (("slope", self.r1, data), ("slope drawn", self.r2, drawn)):
            if weight:
                some = [part[:first] for part in side]
                slopes = steepness(lambda *inputs: judge(*inputs, generator=generator), *some, units=units)
                found[name] = slopes.repeat(-(-n // first))[:n]
                penalty = penalty + 0.5 * weight * found[name]
        return found, penalty


@dataclass(frozen=True)
class Config:
    """What the settings of each of these models have."""

    paired: bool = False  # the critic compares the sides in place of judging each alone: fewer modes are lost
    noise: float = 0.0  # sd on images that encoder and critic see in training; pixels in [-1, 1]
    critic: Critic = Critic()
    optimiser: Optimiser = SLOW  # the coder's: of encoder and decoder
    spread: float = 0.05  # sd of the first weights; last layers, and nets without batch norm, go by their inputs

    def __post_init__(self) -> None:
        if self.noise < 0 or self.spread <= 0:
            raise Refusal(f"noise {self.noise:g} must be at least 0, and spread {self.spread:g} above 0")

    def critic_loss(self, data: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """[b] each, of the critic's logits: what it minimises, and how often it is right."""
        if self.paired:
            return outdone(data, drawn), ordered(data, drawn)
        return judged(data, drawn), right(data, drawn)


@dataclass(frozen=True)
class JointConfig(Config):
    """And those of a model that encodes."""

    game: Literal["on", "off"] = "on"  # off: encoder and decoder learn by cycles alone, the row to stand beside
    cycle: tuple[float, ...] = (0.0,)  # weight of the error of reconstructions, a level each, the last for all above

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cycle or min(self.cycle) < 0:
            given = ", ".join(f"{weight:g}" for weight in self.cycle) or "none"
            raise Refusal(f"cycle gives each level a weight of 0 or more, not {given}; 0 is the sources' game")

    def weights(self, levels: Sequence[str]) -> dict[str, float]:
        """Those of ``cycle`` by level. Raises Refusal for more than there are levels, and where without a game a part
        has nothing to learn from."""
        given = ",".join(f"{weight:g}" for weight in self.cycle)
        if len(self.cycle) > len(levels):
            shown = f"{len(levels)} level{'s' if len(levels) > 1 else ''} ({', '.join(levels)})"
            raise Refusal(
                f"cycle={given} names {len(self.cycle)} weights, but there are codes of {shown}; give as many"
            )
        found = {level: self.cycle[min(number, len(self.cycle) - 1)] for number, level in enumerate(levels)}
        if self.game == "off" and not found[levels[-1]]:
            what = levels[-1]
            raise Refusal(f"game=off with cycle={given} leaves {what} nothing to learn from; give it a weight above 0")
        return found


@dataclass(frozen=True)
class VectorConfig(Config):
    """And those of a model whose code is one vector."""

    latent: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent < 1:
            raise Refusal(f"latent is the number of latent dimensions, at least 1, not {self.latent}")


@dataclass(frozen=True)
class OneLevelConfig(JointConfig, VectorConfig):
    """Of a model whose code is one vector."""

    net: JointNet = Strided()


def possible(first_sd: float) -> None:
    """Raises Refusal for an sd that leaves codes of variance 1 no mean."""
    if not 0 < first_sd < 1:
        raise Refusal(f"first_sd is the sd of codes whose prior has 1: above 0 and below 1, not {first_sd:g}")


def spread(seen: Tensor) -> Tensor:
    """The mean squared distance of a batch's entries from each other, a step of the data's own length; 1 where they
    are all alike."""
    found = apart(seen.detach().float(), seen.detach().float().roll(1, 0)).mean()
    return torch.where(found > 0, found, torch.ones_like(found))
