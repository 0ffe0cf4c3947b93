"""What BiGAN, ALI and HALI share: one critic of images together with their codes, against whom encoder and decoder
conspire (Donahue et al. 2017, arXiv 1605.09782; Dumoulin et al. 2017, arXiv 1606.00704; HALI, algorithm 1).

Both players move at once, out of one shared pass. Every few thousand images, and in validation, the move also reports
the terms in which a run that fails differs from one that does not: ``watched`` says which."""

from abc import ABC
from collections.abc import Callable, Mapping
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
from latelier.models.collapse import EVERY, alike, apart, overwhelmed, parted, sample_distance, variety
from latelier.models.game_settings import JointConfig, OneLevelConfig
from latelier.models.shared import DeclaredPrior, EncoderStages, Refills
from latelier.nets.eval_mode import evaluating, unremembered
from latelier.nets.init import init_normal_, init_variance_
from latelier.objectives.game import conspired, outdone
from latelier.rules.shared import game

BRIGHTNESS = 0.5  # variance of drawn pixels before tanh and training, so that drawn images differ from the start
TOGETHER = "train longer, lower optimiser.rate, or raise critic.r1"  # for an encoder and a decoder that have come apart
VARIED = "take paired=true with more of critic.r1 and critic.r2, or raise noise"  # for few modes


class Adversarial(Model, Refills, Samples, EncoderStages, Judges, ABC):
    """The game. A model declares its latents and its players ``coder`` and ``critic``, how it encodes, decodes and
    draws from its prior, and a ``judge`` that takes an image and the codes in the order of ``latents``."""

    coder = "coder"
    higher = ("drawn apart", "other images", "other images embedded")
    label_weight = 1.0  # the game's losses are about 1.4 nats, whatever the images' size
    labelled = 0.1  # more would have the critic know the few labelled images by heart
    config: JointConfig
    judge: nn.Module | None
    weights: dict[str, float]  # of reconstructions, by level

    def seat(self, coder: list[nn.Module], critic: Callable[[], nn.Module]) -> None:
        """The players, with their first weights, and what cycles weigh; no critic without a game. Raises Refusal for
        weights that the levels cannot have."""
        self.weights = self.config.weights(self.levels())
        self.judge = critic() if self.config.game == "on" else None
        judges = [] if self.judge is None else [self.judge]
        self.players = {"coder": [*coder], **({"critic": [*judges]} if judges else {})}
        init_normal_(self.config.spread, *coder, *judges)

    def optimisers(self) -> dict[str, Optimiser]:
        own = {"coder": self.config.optimiser, "critic": self.config.critic.optimiser}
        return {name: own[name] for name in self.players}

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def play(self, batch: Batch, progress: Progress) -> Losses:
        """Algorithm 1, and the cycles. Nothing is detached: the trainer takes each player's gradient from its own
        scalar."""
        n, generator = len(batch.image), progress.generator
        seen = blurred(batch.image, self.config.noise, generator)
        inferred = self.encode(seen).sample(generator)
        looks = (progress.seen + n) // EVERY > progress.seen // EVERY or not self.training
        if self.judge is None:
            redrawn, report = self.cycled(batch.image, inferred, generator)
            if looks:
                with evaluating(self):
                    report |= self.watched(batch.image, self.decode(self.sample_prior(n, generator)))
            return Losses({"coder": redrawn.mean()}, report, inferred)
        prior = self.sample_prior(n, generator)
        drawn = self.decode(prior)
        shown = blurred(drawn, self.config.noise, generator)
        sides = self.pair(seen, inferred), self.pair(shown, prior)
        if self.config.critic.norm != "batch":  # both sides as one batch
            pairs = [torch.cat([a, b.to(a.dtype)]) for a, b in zip(*sides, strict=True)]
            data, made = self.judge(*pairs, generator=generator).chunk(2)
        else:
            data, made = (self.judge(*side, generator=generator) for side in sides)
        against, share = self.config.critic_loss(data, made)
        together = outdone(made, data) if self.config.paired else conspired(data, made)
        slopes, steep = self.config.critic.slopes(self.judge, *sides, generator)
        with unremembered(self):  # running statistics are those of images that are drawn
            redrawn, report = self.cycled(batch.image, inferred, generator)
        report = {"critic": against, "coder": together, "critic accuracy": share, **slopes, **report}
        if looks:
            report |= self.watched(batch.image, drawn.detach())
        return Losses({"critic": (against + steep).mean(), "coder": (together + redrawn).mean()}, report, inferred)

    def cycled(self, image: Tensor, code: Code, generator: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """[b]: what the coder minimises for reconstructions by each level of the codes inferred, their weighted mean
        squared errors over pixels in [-1, 1] (ALICE: Li et al. 2017, arXiv 1709.01215, eq. 10, with a norm in place of
        a density); and those errors. No part of ALI, BiGAN or HALI."""
        found, report = image.new_zeros(len(image)), dict[str, Tensor]()
        for level, weight in self.weights.items():
            if weight:
                again = self.redrawn(code, level, generator)
                error = report[f"redrawn {level}"] = 4 * apart(image, again) / image[0].numel()
                found = found + weight * error
        return found, report

    def redrawn(self, code: Code, level: str, generator: Generator) -> Tensor:
        """The image drawn from one level of a code."""
        return self.decode({level: code[level]})

    def monitor(self) -> Metric:
        return Metric("ratio to other images", words="squared error of reconstructions, by that to other images")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        """Squared distance of reconstructions from their images as a share of that from others, mean over levels."""
        cycles = [terms[f"cycle {level}"] for level in self.levels()]
        return {"ratio to other images": sum(cycles) / len(cycles) / terms["other images"]}

    def pair(self, image: Tensor, code: Code) -> tuple[Tensor, ...]:
        """What the critic sees."""
        return (image, *(code[name] for name in self.latents))

    def levels(self) -> tuple[str, ...]:
        """Of reconstructions: by each latent, from the image upwards."""
        return tuple(self.latents)

    @torch.no_grad()
    def watched(self, image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        """[b] each: how far reconstructions by each level are from their images, in squared error ("cycle") and for
        the critic's last hidden layer ("embedded"); how far from other images in both ("other images", "other images
        embedded"); how far drawn images are from each other ("drawn apart") and those of the data ("data apart")."""
        found = variety(image, drawn) | sample_distance(image, drawn)
        levels = self.levels()
        with evaluating(self):
            code = self.encode(image).mode()
            whole = None if self.judge is None else self.embed(image, code)
            for number, level in enumerate(levels):
                again = self.decode({name: code[name] for name in levels[number:]})
                found[f"cycle {level}"] = apart(image, again)
                if number == 0:
                    found["other images"] = apart(image.roll(1, 0), again)
                if whole is None:
                    continue
                seen = self.embed(again, self.encode(again).mode())
                found[f"embedded {level}"] = (seen - whole).norm(dim=1)
                if number == 0:
                    found["other images embedded"] = (seen - whole.roll(1, 0)).norm(dim=1)
        return found

    def embed(self, image: Tensor, code: Code) -> Tensor:
        if self.judge is None:
            raise Refusal("game=off has no critic whose distances could be taken; train with game=on")
        hidden: Tensor = self.judge.embed(*self.pair(image, code))  # type: ignore[operator]
        return hidden.float()

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        if self.judge is None:
            return []
        return [
            *overwhelmed(terms, "lower critic.optimiser.rate, or raise noise or critic.r1"),
            *parted(terms, seen, self.levels()[0], TOGETHER),
            *alike(terms, seen, VARIED),
        ]

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return game(facts, *((TOGETHER, VARIED) if self.judge else ("train longer", "draw from a model of game=on")))


class OneLevel(Adversarial, DeclaredPrior, ABC):
    """A game whose code is one vector."""

    def __init__(
        self, config: OneLevelConfig, image: tuple[int, int, int], outputs: int, kind: Literal["gaussian", "uniform"]
    ):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), kind)}
        self.encoder = config.net.encoder(image, outputs)
        self.decoder = config.net.decoder(config.latent, image)
        critic = config.critic
        self.seat(
            [self.encoder, self.decoder],
            lambda: config.net.critic(image, config.latent, critic.norm, critic.dropout),
        )
        init_variance_(self.decoder, BRIGHTNESS)

    def decode(self, code: Code) -> Tensor:
        out: Tensor = self.decoder(code["z"])
        return out


def blurred(image: Tensor, noise: float, generator: Generator) -> Tensor:
    """The image [b, c, h, w] in [0, 1] with instance noise, whose sd counts pixels in [-1, 1]."""
    if not noise:
        return image
    drawn = torch.randn(image.shape, generator=generator, device=generator.device).to(image.device)
    return image + 0.5 * noise * drawn
