"""PatchVAE: a code of parts, each an occurrence at every cell of a grid and one appearance (Gupta et al. 2020).

A trunk gives a map of h x w cells. From it, for each of N parts, Q^O gives the probability that the part occurs at a
cell, and Q^A its appearance, averaged over the cells by those probabilities (section 3.2). Wherever a part occurs, the
decoder is handed its appearance; elsewhere zeros; and from nothing else it draws the image. The loss is eq. 11, with
the two betas where its text means them (printed, they are exchanged)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from latelier.core import (
    Batch,
    Code,
    HasParts,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Parts,
    Posterior,
    Progress,
    Refusal,
    Samples,
    Schedule,
)
from latelier.core import Model as Base
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.encoder import Encoder
from latelier.nets.resnet9 import WIDTHS, grid_of, pyramid, reset, trunk
from latelier.objectives import gaussian, relaxed
from latelier.objectives.adversary import Image, Off
from latelier.objectives.likelihood import Foreground, Squared
from latelier.objectives.reduction import summed

EPSILON = 1e-7  # keeps the mean over cells of a part that occurs nowhere
ADAM = Optimiser(rate=1e-3, betas=(0.5, 0.999))


@dataclass(frozen=True)
class Config:
    """Defaults: the source's nets, for 32 and 64 pixels, at ten times its rate and a fifth of its price of occurrences,
    which serve a thousand images (docs/defaults.md); ``beta_occurrence=10 optimiser.rate=1e-4`` are the source's.
    ``trunk=resnet18`` is for large images, with ``parts=64 appearance=16`` in its README."""

    parts: int = 16  # N
    appearance: int = 6  # d_p, numbers of a part's appearance
    prior: float | None = None  # probability that a part occurs at a cell; 1/N where none is given
    beta_occurrence: float = 2.0  # weight of the occurrences' KL; the paper's 0.3 is 10, as it quotes it times 96/3072
    beta_appearance: float = 1.0
    warmup: int = 0  # images over which beta_occurrence rises from 0, against parts that never occur
    temperature: relaxed.Temperature = relaxed.Temperature()
    trunk: Literal["resnet9", "resnet18"] = "resnet9"
    reconstruction: Squared | Foreground = Squared()
    critic: Off | Image = Off()
    optimiser: Optimiser = ADAM

    def __post_init__(self) -> None:
        if min(self.parts, self.appearance) < 1:
            raise Refusal(f"patchvae: parts {self.parts} and appearance {self.appearance} must be 1 or more")
        if self.prior is not None and not 0 < self.prior < 1:
            raise Refusal(f"patchvae: prior is a probability between 0 and 1, not {self.prior:g}")


class Heads(nn.Module):
    """A trunk's map [b, c, h, w] -> occurrence logits [b, N, h, w], mean and log-variance maps [b, N * d, h, w]."""

    def __init__(self, channels: int, parts: int, appearance: int):
        super().__init__()
        self.occurrence = nn.Conv2d(channels, parts, 3, 1, 1)
        self.mean = nn.Conv2d(channels, parts * appearance, 3, 1, 1)
        self.log_variance = nn.Conv2d(channels, parts * appearance, 3, 1, 1)
        reset(self)

    def forward(self, map: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.occurrence(map).float(), self.mean(map).float(), self.log_variance(map).float()


class PartsPosterior(Posterior):
    """q(z_occ | x) = Bernoulli(sigmoid(logits)) a part and cell, [b, N, h, w]; q(z_app | x) = N(mean,
    exp(log_variance)) a part, [b, N, d]. ``temperature`` relaxes the draws; None leaves them in {0, 1}."""

    def __init__(self, logits: Tensor, mean: Tensor, log_variance: Tensor, prior: float, temperature: float | None):
        self.logits, self.mean, self.log_variance = logits, mean, log_variance
        self.prior, self.temperature = prior, temperature

    def mode(self) -> Code:
        # Probabilities, not the likelier of 0 and 1: training shows the decoder relaxed draws, which lie between.
        return {"occurrence": self.logits.sigmoid(), "appearance": self.mean}

    def sample(self, generator: Generator) -> Code:
        return self._drawn(generator, same=False)

    def alike(self, generator: Generator) -> Code:
        return self._drawn(generator, same=True)

    def _drawn(self, generator: Generator, same: bool) -> Code:
        if self.temperature is None:
            occurrence = relaxed.hard(self.logits, generator, same=same)
        else:
            occurrence = relaxed.sample(self.logits, self.temperature, generator, same=same)
        return {
            "occurrence": occurrence,
            "appearance": gaussian.sample(self.mean, self.log_variance, generator, same=same),
        }

    def rate(self) -> Code:
        return {
            "occurrence": relaxed.kl_to(self.prior, self.logits),
            "appearance": gaussian.kl_to_standard(self.mean, self.log_variance),
        }


class Model(Base, Refills, Samples, HasParts, EncoderStages, EncoderFilters):
    """``Config`` says how many parts, how they are held sparse, and what a reconstruction is judged by."""

    schedule = Schedule(steps=1000)
    higher = ("parts in use",)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        n, d = config.parts, config.appearance
        self.prior = config.prior or 1 / n if n > 1 or config.prior else 0.5
        h, w = grid_of(image, config.trunk)
        self.latents = {"occurrence": Latent((n, h, w), "bernoulli"), "appearance": Latent((n, d))}
        heads = Heads(WIDTHS[config.trunk][-1], n, d)
        self.encoder = Encoder(trunk(image[0], config.trunk), image, head=heads)
        self.decoder = pyramid(n * d, image[0], config.trunk)
        self.likelihood = config.reconstruction.build()
        self.critic = config.critic.build(image)
        self.players = {"model": [self.encoder, self.decoder]}
        if self.critic is not None:
            self.players["critic"] = [self.critic]

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser, **self.config.critic.optimisers()}

    def encode(self, image: Tensor) -> PartsPosterior:
        return self.posterior(image, None)

    def posterior(self, image: Tensor, temperature: float | None) -> PartsPosterior:
        """q(z | x), whose draws are relaxed at that temperature."""
        logits, mean, log_variance = self.encoder(image)
        # The mean over cells is weighted by probabilities, not draws, and does not train them (the source's code).
        weight = logits.detach().sigmoid().flatten(2)[:, :, None]  # [b, N, 1, cells]
        mean, variance = (
            part.unflatten(1, (self.config.parts, -1)).flatten(3) for part in (mean, log_variance.clamp(-16, 16).exp())
        )
        total = weight.sum(3) + EPSILON
        mean = (weight * mean).sum(3) / total
        variance = ((weight * variance).sum(3) + EPSILON) / total
        return PartsPosterior(logits, mean, variance.log(), self.prior, temperature)

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.draw(code))

    def draw(self, code: Code) -> Tensor:
        """[b, c, h, w] from mid-grey, of the patch latent code: every part's appearance wherever it occurs (eq. 10)."""
        placed = code["appearance"][:, :, :, None, None] * code["occurrence"][:, :, None]
        out: Tensor = self.decoder(placed.flatten(1, 2))
        return out.float()

    def sample_prior(self, n: int, generator: Generator) -> Code:
        device = next(self.parameters()).device
        where, what = (self.latents[name].shape for name in ("occurrence", "appearance"))
        chance = torch.rand(n, *where, generator=generator, device=generator.device)
        looks = torch.randn(n, *what, generator=generator, device=generator.device)
        return {"occurrence": (chance < self.prior).float().to(device), "appearance": looks.to(device)}

    def parts(self, image: Tensor) -> Parts:
        q = self.encode(image)
        return Parts(q.logits.sigmoid(), q.mean)

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        found, occurrence = [], terms.get("occurrence")
        if occurrence is not None and occurrence < self.prior / 10:
            found.append(
                "parts hardly ever occur, so the decoder draws from next to nothing: lower beta_occurrence, or let it "
                "rise slowly with warmup"
            )
        if occurrence is not None and occurrence > max(0.5, 2 * self.prior):
            found.append(
                "parts occur nearly everywhere, so their maps say nothing: raise beta_occurrence, or lower prior"
            )
        if terms.get("critic", 1.0) < 0.05:
            found.append(
                "the critic recognises every reconstruction, so training against it makes little progress: lower "
                "critic.optimiser.rate"
            )
        return found

    def monitor(self) -> Metric:
        return Metric("objective", words="distortion + weighted KL")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        c = self.config
        kl = c.beta_occurrence * terms["KL occurrence"] + c.beta_appearance * terms["KL appearance"]
        return {"objective": terms["distortion"] + kl}

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        c = self.config
        q = self.posterior(batch.image, c.temperature.at(progress))
        code = q.sample(progress.generator)
        output = self.draw(code)
        rates = {name: summed(rate) for name, rate in q.rate().items()}
        distortion = self.likelihood.distortion(batch.image, output)
        beta = c.beta_occurrence * (min(1.0, progress.seen / c.warmup) if c.warmup else 1.0)
        loss = distortion + beta * rates["occurrence"] + c.beta_appearance * rates["appearance"]
        occurrence = q.logits.detach().sigmoid()
        report = {"distortion": distortion, "KL occurrence": rates["occurrence"], "KL appearance": rates["appearance"]}
        report |= {"occurrence": occurrence.mean((1, 2, 3))}
        report |= {"parts in use": (occurrence.amax((2, 3)) > 0.5).sum(1).float()}
        losses = Losses(minimise={"model": loss.mean()}, report=report, code=code)
        if self.critic is not None and isinstance(c.critic, Image):
            losses = c.critic.join(self.critic, batch.image, self.likelihood.mean(output), losses)
        return losses
