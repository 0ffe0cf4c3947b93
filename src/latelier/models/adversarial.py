"""What BiGAN, ALI and HALI share: one critic of pictures together with their codes, against whom encoder and decoder
conspire (Donahue et al. 2017, arXiv 1605.09782; Dumoulin et al. 2017, arXiv 1606.00704; HALI, algorithm 1).

Both players move at once, out of one shared pass. Every few thousand pictures, and in validation, the move also reports
what tells a run that fails from one that does not: ``watched`` says what."""

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from latelier.core import (
    Batch,
    Code,
    Finding,
    Judges,
    Latent,
    Losses,
    Metric,
    Model,
    Move,
    Optimiser,
    Progress,
    Refusal,
    Samples,
)
from latelier.models.rules import game
from latelier.models.shared import DeclaredPrior, EncoderStages, Refills
from latelier.models.watch import EVERY, alike, apart, overwhelmed, parted, sample_distance, variety
from latelier.nets.joint import Dense, Strided, Valid
from latelier.nets.modes import evaluating
from latelier.nets.noisy import Norm
from latelier.nets.start import scatter, settle
from latelier.objectives.game import conspired, judged, ordered, outdone, right, steepness

BRIGHTNESS = 0.5  # variance of drawn pixels before tanh and training, so that drawn pictures differ from the start
SLOW = Optimiser(rate=3e-4, betas=(0.5, 0.999))  # the coder
FAST = Optimiser(rate=1e-3, betas=(0.5, 0.999))  # the critic, whose verdict must follow what the coder does
TOGETHER = "train longer, lower optimiser.rate, or raise critic.r1"  # for an encoder and a decoder that have come apart
VARIED = "take paired=true with critic.r1=0.01 critic.r2=0.01, or raise noise"  # for few modes


@dataclass(frozen=True)
class Critic:
    """What the critic is like, and how it is held back."""

    norm: Norm = "none"
    dropout: float = 1.0  # times the net's own probabilities
    r1: float = 0.0  # weight of R1: half of it times the squared slope of the logit at the data's side
    r2: float = 0.0  # and of R2, at the drawn side
    optimiser: Optimiser = FAST

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 2:
            raise Refusal(
                f"critic.dropout multiplies probabilities of up to one half: from 0 to below 2, not {self.dropout}"
            )
        if min(self.r1, self.r2) < 0:
            raise Refusal(f"critic.r1 and critic.r2 are weights, at least 0, not {self.r1:g} and {self.r2:g}")

    def slopes(
        self, judge: Callable[..., Tensor], data: tuple[Tensor, ...], drawn: tuple[Tensor, ...], generator: Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """[b] each, the squared slopes at both sides that are asked for, and the penalty for them."""
        found, penalty = dict[str, Tensor](), data[0].new_zeros(())
        for name, weight, side in (("slope", self.r1, data), ("slope drawn", self.r2, drawn)):
            if weight:
                found[name] = steepness(lambda *inputs: judge(*inputs, generator=generator), *side)
                penalty = penalty + 0.5 * weight * found[name]
        return found, penalty


@dataclass(frozen=True)
class Config:
    """What the settings of each of these models have."""

    paired: bool = False  # the critic compares the sides in place of judging each alone: fewer modes are lost
    noise: float = 0.0  # sd on pictures that encoder and critic see in training; pixels in [-1, 1]
    critic: Critic = Critic()
    optimiser: Optimiser = SLOW  # the coder's: of encoder and decoder
    spread: float = 0.05  # sd of the first weights; last layers, and nets without batch norm, go by their inputs

    def __post_init__(self) -> None:
        if self.noise < 0 or self.spread <= 0:
            raise Refusal(f"noise {self.noise:g} must be at least 0, and spread {self.spread:g} above 0")

    def told(self, data: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """[b] each, of the critic's logits: what it minimises, and how often it is right."""
        if self.paired:
            return outdone(data, drawn), ordered(data, drawn)
        return judged(data, drawn), right(data, drawn)


@dataclass(frozen=True)
class VectorConfig(Config):
    """And those of a model whose code is one vector."""

    latent: int = 256
    net: Dense | Strided | Valid = Strided()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent < 1:
            raise Refusal(f"latent is the number of code numbers, at least 1, not {self.latent}")


class Adversarial(Model, Refills, Samples, EncoderStages, Judges, ABC):
    """The game. A model declares its latents and its players ``coder`` and ``critic``, how it encodes, decodes and
    draws from its prior, and a ``judge`` that takes a picture and the codes in the order of ``latents``."""

    coder = "coder"
    higher = ("drawn apart", "strangers", "strangers embedded")
    label_weight = 1.0  # the game's losses are about 1.4 nats, whatever the pictures' size
    labelled = 0.1  # more would have the critic know the few labelled pictures by heart
    config: Config
    judge: nn.Module

    def optimisers(self) -> dict[str, Optimiser]:
        return {"coder": self.config.optimiser, "critic": self.config.critic.optimiser}

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def play(self, batch: Batch, progress: Progress) -> Losses:
        """Algorithm 1. Nothing is detached: the trainer takes each player's gradient from its own scalar."""
        n, generator = len(batch.image), progress.generator
        seen = blurred(batch.image, self.config.noise, generator)
        inferred = self.encode(seen).sample(generator)
        prior = self.sample_prior(n, generator)
        drawn = self.decode(prior)
        shown = blurred(drawn, self.config.noise, generator)
        sides = self.pair(seen, inferred), self.pair(shown, prior)
        if self.config.critic.norm != "batch":  # both sides as one batch
            pairs = [torch.cat([a, b.to(a.dtype)]) for a, b in zip(*sides, strict=True)]
            data, made = self.judge(*pairs, generator=generator).chunk(2)
        else:
            data, made = (self.judge(*side, generator=generator) for side in sides)
        against, share = self.config.told(data, made)
        together = outdone(made, data) if self.config.paired else conspired(data, made)
        slopes, steep = self.config.critic.slopes(self.judge, *sides, generator)
        report = {"critic": against, "coder": together, "critic accuracy": share, **slopes}
        if (progress.seen + n) // EVERY > progress.seen // EVERY or not self.training:
            report |= self.watched(batch.image, drawn.detach())
        return Losses({"critic": (against + steep).mean(), "coder": together.mean()}, report, inferred)

    def monitor(self) -> Metric:
        return Metric("ratio to other images", words="squared error of reconstructions, by that to other images")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        """Squared distance of reconstructions from their images as a share of that from others, mean over levels."""
        cycles = [terms[f"cycle {level}"] for level in self.levels()]
        return {"ratio to other images": sum(cycles) / len(cycles) / terms["strangers"]}

    def pair(self, image: Tensor, code: Code) -> tuple[Tensor, ...]:
        """What the critic sees."""
        return (image, *(code[name] for name in self.latents))

    def levels(self) -> tuple[str, ...]:
        """Of reconstructions: by each latent, from the image upwards."""
        return tuple(self.latents)

    @torch.no_grad()
    def watched(self, image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        """[b] each: how far reconstructions by each level are from their pictures, in squared error ("cycle") and for
        the critic's last hidden layer ("embedded"); how far from other pictures in both ("strangers", "strangers
        embedded"); how far drawn pictures are from each other ("drawn apart") and those of the data ("data apart")."""
        found = variety(image, drawn) | sample_distance(image, drawn)
        levels = self.levels()
        with evaluating(self):
            code = self.encode(image).mode()
            whole = self.embed(image, code)
            for number, level in enumerate(levels):
                again = self.decode({name: code[name] for name in levels[number:]})
                found[f"cycle {level}"] = apart(image, again)
                if number == 0:
                    found["strangers"] = apart(image.roll(1, 0), again)
                seen = self.embed(again, self.encode(again).mode())
                found[f"embedded {level}"] = (seen - whole).norm(dim=1)
                if number == 0:
                    found["strangers embedded"] = (seen - whole.roll(1, 0)).norm(dim=1)
        return found

    def embed(self, image: Tensor, code: Code) -> Tensor:
        hidden: Tensor = self.judge.embed(*self.pair(image, code))  # type: ignore[operator]
        return hidden.float()

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return [
            *overwhelmed(terms, "lower critic.optimiser.rate, or raise noise or critic.r1"),
            *parted(terms, seen, self.levels()[0], TOGETHER),
            *alike(terms, seen, VARIED),
        ]

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return game(facts, TOGETHER, VARIED)


class OneLevel(Adversarial, DeclaredPrior, ABC):
    """A game whose code is one vector."""

    def __init__(
        self, config: VectorConfig, image: tuple[int, int, int], outputs: int, kind: Literal["gaussian", "uniform"]
    ):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), kind)}
        self.encoder = config.net.encoder(image, outputs)
        self.decoder = config.net.decoder(config.latent, image)
        self.judge = config.net.critic(image, config.latent, config.critic.norm, config.critic.dropout)
        scatter(config.spread, self.encoder, self.decoder, self.judge)
        settle(self.decoder, BRIGHTNESS)
        self.players = {"coder": [self.encoder, self.decoder], "critic": [self.judge]}

    def decode(self, code: Code) -> Tensor:
        out: Tensor = self.decoder(code["z"])
        return out


def possible(first_sd: float) -> None:
    """Raises Refusal for an sd that leaves codes of variance 1 no mean."""
    if not 0 < first_sd < 1:
        raise Refusal(f"first_sd is the sd of codes whose prior has 1: above 0 and below 1, not {first_sd:g}")


def blurred(image: Tensor, noise: float, generator: Generator) -> Tensor:
    """The image [b, c, h, w] in [0, 1] with instance noise, whose sd counts pixels in [-1, 1]."""
    if not noise:
        return image
    drawn = torch.randn(image.shape, generator=generator, device=generator.device).to(image.device)
    return image + 0.5 * noise * drawn
