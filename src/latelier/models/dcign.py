"""The deep convolutional inverse graphics network: batches that vary one known factor train one latent for each.

A VAE (Kingma & Welling 2014) whose batches each vary one factor of the images (Kulkarni et al. 2015, arXiv
1503.03167). The latents of that factor's group pass to the decoder. Every other is clamped for the whole batch, to its
draw for the first image or to the batch's mean, and learns nothing from the reconstruction: in place of its gradient
comes zero, or ``invariance`` times its distance from the batch's mean, which pulls together what should not have
changed. The KL reaches all latents. The source sums all of these over the batch; here they are averaged.

Where a batch is cut into parts, each part is clamped to a first image or mean of its own.

Batches that vary nothing or more than one factor, as in validation, are a VAE's. A latent of no group is clamped in
every batch: no image trains it and it stays at the prior.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from latelier.core import (
    Batch,
    Code,
    Decodes,
    Encodes,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Progress,
    Refusal,
    Weighs,
)
from latelier.models.shared import DeclaredPrior, EncoderFeatures, EncoderFilters
from latelier.models.vae import Diagonal, log_weight
from latelier.nets.conv import Conv
from latelier.nets.mlp import Mlp
from latelier.nets.pooled import Pooled
from latelier.nets.resnet import Resnet
from latelier.objectives import gaussian
from latelier.objectives.likelihood import Bernoulli, Gaussian
from latelier.objectives.reduction import summed


@dataclass(frozen=True)
class Config:
    """Defaults: the 2D-shapes (DC-IGN) row of the lecture's table, for the data set ``sprites``; the source's batches
    have 20 images. Nine of the row's ten latents are the factors'; the tenth is left without one."""

    latent: int = 10
    groups: tuple[int, ...] = (5, 1, 1, 1, 1)  # latents of shape, scale, rotation, x, y: of each factor of the data
    clamp: Literal["first", "mean"] = "first"  # the source's code; "mean" is its paper
    invariance: float = 0.0  # strength of the pull on clamped latents
    net: Pooled | Mlp | Conv | Resnet = Pooled()
    likelihood: Bernoulli | Gaussian = Bernoulli()
    # The source's rmsprop has momentum and corrects the bias of both averages: by today's name it is Adam.
    optimiser: Optimiser = Optimiser(rate=5e-4, betas=(0.9, 0.99))

    def __post_init__(self) -> None:
        if not self.groups or min(self.groups) < 1 or sum(self.groups) > self.latent:
            raise Refusal(
                "dcign: groups says how many latents each factor has, at least 1, and together at most "
                f"latent={self.latent}, not {','.join(map(str, self.groups))}"
            )
        if self.invariance < 0:
            raise Refusal(f"dcign: invariance is a strength, at least 0, not {self.invariance}")


class Model(DeclaredPrior, Encodes, Decodes, EncoderFeatures, EncoderFilters, Weighs):
    """``Config`` says which latents learn which factor."""

    one_factor = True  # training gives it batches that vary one factor
    members: Tensor

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,))}
        self.encoder = config.net.encoder(image, 2 * config.latent)
        self.decoder = config.net.decoder(config.latent, image)
        self.likelihood = config.likelihood.build()
        self.pixels = self.likelihood.pixels
        self.players = {"model": [self.encoder, self.decoder, self.likelihood]}
        self.register_buffer("members", _members(config.groups, config.latent), persistent=False)

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Diagonal:
        return Diagonal(*gaussian.halves(self.encoder(image)))

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.decoder(code["z"]).float())

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        return log_weight(self.encode(image), image, samples, self.decoder, self.likelihood, generator)

    def monitor(self) -> Metric:
        return Metric("objective", words="distortion + rate")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return {"objective": terms["distortion"] + terms["rate"]}

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        q = self.encode(batch.image)
        z = q.sample(progress.generator)["z"]
        used, pull = self.clamped(z, batch.factor)
        distortion = -self.likelihood.log_likelihood(batch.image, self.decoder(used))
        rate = summed(gaussian.kl_to_standard(q.mean, q.log_variance))
        return Losses(
            minimise={"model": (distortion + rate + pull).mean()},
            report={"distortion": distortion, "rate": rate, "invariance": pull},
            code={"z": z},
        )

    def clamped(self, z: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder sees of the draws z [b, k] in a batch with these levels [b, f], and the penalty [b] whose
        gradient, added up over the batch, is ``invariance`` times the clamped latents' distance from their mean.

        Raises Refusal where the batch has another number of factors than ``groups``."""
        if factor.shape[1] != len(self.config.groups):
            raise Refusal(
                f"dcign: groups={','.join(map(str, self.config.groups))} is for {len(self.config.groups)} factors, but "
                f"these images have {factor.shape[1]}; give one number a factor, in the data's order"
            )
        varies = (factor != factor[:1]).any(0)
        free = self.members.index_select(0, varies.to(torch.int64).argmax(0, keepdim=True))[0] | (
            varies.sum() != 1
        )  # [k]
        mean = z.mean(0, keepdim=True)
        anchor = z[:1] if self.config.clamp == "first" else mean
        pull = 0.5 * self.config.invariance * summed(torch.where(free, 0.0, z - mean).square())
        return torch.where(free, z, anchor.detach()), pull


def _members(groups: tuple[int, ...], latent: int) -> Tensor:
    """bool [f, k]: whether a latent is in a factor's group; groups lie side by side from latent 0 on."""
    own = [number for number, size in enumerate(groups) for _ in range(size)]
    own += [-1] * (latent - len(own))
    return torch.tensor([[factor == one for one in own] for factor in range(len(groups))])
