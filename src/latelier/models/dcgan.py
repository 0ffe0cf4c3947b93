"""DCGAN: a generator learned by an adversary who sees images alone (Radford et al. 2016, arXiv 1511.06434).

Critic and generator take turns; the generator's loss is the one that does not saturate. It knows no codes of images:
``bigan``, ``ali`` and ``hali`` do."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latelier.core import Batch, Code, Decodes, Finding, Latent, Losses, Metric, Move, Optimiser, Progress, Schedule
from latelier.models.adversarial import VARIED, blurred
from latelier.models.collapse import alike, overwhelmed, sample_distance, variety
from latelier.models.game_settings import Critic, VectorConfig
from latelier.models.shared import DeclaredPrior
from latelier.nets.init import init_normal_
from latelier.nets.joint import Dense, Strided, Valid
from latelier.objectives.game import fooled, outdone
from latelier.rules.samples import sampled
from latelier.rules.shared import hopeless

ADAM = Optimiser(rate=2e-4, betas=(0.5, 0.999))


@dataclass(frozen=True)
class Config(VectorConfig):
    """Defaults: the source's."""

    latent: int = 100
    net: Dense | Strided | Valid = Strided()
    critic: Critic = Critic(norm="batch", dropout=0.0, optimiser=ADAM)
    optimiser: Optimiser = ADAM  # the generator's
    spread: float = 0.02  # sd of the first weights; nets without batch norm have He's


class Model(DeclaredPrior, Decodes):
    """``Config`` says which nets, and what holds the critic back."""

    higher = ("drawn apart",)
    schedule = Schedule(decay="none")  # a falling rate froze short games on digits: half as varied

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), "uniform")}
        self.generator = config.net.decoder(config.latent, image)
        self.judge = config.net.critic(image, 0, config.critic.norm, config.critic.dropout)
        init_normal_(config.spread, self.generator, self.judge)
        self.players = {"generator": [self.generator], "critic": [self.judge]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"generator": self.config.optimiser, "critic": self.config.critic.optimiser}

    def decode(self, code: Code) -> Tensor:
        out: Tensor = self.generator(code["z"])
        return out

    def moves(self) -> tuple[Move, ...]:
        return (self.discriminate, self.draw)

    def discriminate(self, batch: Batch, progress: Progress) -> Losses:
        """The critic's move."""
        g, noise = progress.generator, self.config.noise
        with torch.no_grad():
            drawn = self.decode(self.sample_prior(len(batch.image), g))
        image = blurred(batch.image, noise, g)
        shown = blurred(drawn, noise, g)
        data, made = self.judge(image, generator=g), self.judge(shown, generator=g)
        loss, share = self.config.critic_loss(data, made)
        slopes, steep = self.config.critic.slopes(self.judge, (image,), (shown,), g)
        report = {"critic": loss, "critic accuracy": share, **slopes, **variety(batch.image, drawn)}
        if not self.training:
            report |= sample_distance(batch.image, drawn)
        return Losses({"critic": (loss + steep).mean()}, report)

    def monitor(self) -> Metric:
        return Metric("sample distance", words="energy distance of drawn images from real ones")

    def draw(self, batch: Batch, progress: Progress) -> Losses:
        """The generator's move."""
        g, noise = progress.generator, self.config.noise
        drawn = self.decode(self.sample_prior(len(batch.image), g))
        made = self.judge(blurred(drawn, noise, g), generator=g)
        if self.config.paired:
            loss = outdone(made, self.judge(blurred(batch.image, noise, g), generator=g))
        else:
            loss = fooled(made)
        return Losses({"generator": loss.mean()}, {"generator": loss})

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return [
            *overwhelmed(terms, "lower critic.optimiser.rate, or raise noise or critic.r1"),
            *alike(terms, seen, VARIED),
        ]

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return hopeless(facts) or sampled(facts, VARIED)
