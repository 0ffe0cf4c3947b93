"""What holds the codes to the prior: the second half of a variational objective, as exclusive choices.

Each is called with the rate KL(q(z|x) || p(z)) [b], the posterior and the codes drawn of it [b, k], and answers one
value an image in nats, to be added to the distortion (the negative log-likelihood)."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from latelier.config.settings import LARGEST, LEAST
from latelier.core import Losses, Optimiser, Progress
from latelier.errors import Refusal
from latelier.objectives import aggregate, mmd
from latelier.objectives.bound import Normal
from latelier.objectives.game import judged


@dataclass(frozen=True)
class Beta:
    """weight * KL(q(z|x) || p(z)): the VAE at 1 (Kingma & Welling 2014, eq. 3), beta-VAE above (Higgins et al. 2017,
    eq. 4). ``warmup`` images raise the weight linearly from 0, which keeps a young decoder from ignoring its code."""

    weight: float = 1.0
    warmup: int = 0

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        ramp = min(1.0, progress.seen / self.warmup) if self.warmup else 1.0
        return self.weight * ramp * rate


@dataclass(frozen=True)
class Capacity:
    """weight * |KL - C|, where C rises linearly from 0 to ``nats`` over ``over`` images (Burgess et al. 2018, eq. 8).

    KL is each image's own; with the batch's mean KL inside the bars, as some codes have it, the value is never
    larger."""

    weight: float = 1000.0
    nats: float = 25.0
    over: int = field(default=1_000_000, metadata={LEAST: 1})

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        target = self.nats * min(1.0, progress.seen / self.over)
        return self.weight * (rate - target).abs()


@dataclass(frozen=True)
class Mmd:
    """(1 - alpha) KL(q(z|x) || p(z)) + (alpha + weight - 1) MMD^2(q(z), p(z)): InfoVAE (Zhao et al. 2017, eq. 7).

    ``weight`` is the paper's lambda. alpha = 1 leaves the aggregate term alone; alpha = 0 with weight = 1 is the VAE.
    The MMD is the batch's (biased, with ``prior`` draws), shared out over its images, so its value depends on the
    batch size."""

    alpha: float = field(default=1.0, metadata={LEAST: -LARGEST})
    weight: float = 1000.0
    prior: int = 200

    def __post_init__(self) -> None:
        if self.prior < 2:
            raise Refusal(f"penalty.prior is the number of prior draws, at least 2, not {self.prior}")

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        draws = torch.randn(self.prior, z.shape[1], generator=progress.generator, device=progress.generator.device)
        gap = mmd.shares(z, draws.to(z.device))
        return (1 - self.alpha) * rate + (self.alpha + self.weight - 1) * gap


@dataclass(frozen=True)
class Tc:
    """KL(q(z|x) || p(z)) + (weight - 1) TC, where TC = KL(q(z) || prod_j q(z_j)) says how far latent dimensions depend
    on each other over all images: beta-TCVAE at alpha = gamma = 1 (Chen et al. 2018, arXiv 1802.04942, eq. 4), whose
    three terms add up to the KL and (weight - 1) TC. At 1 it is the VAE. TC is a batch's estimate
    (``aggregate.total_correlation``), so its value depends on the batch size."""

    weight: float = 4.0
    sampling: aggregate.Sampling = "stratified"

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        found = aggregate.total_correlation(z, q.mean, q.log_variance, progress.images, self.sampling)
        return rate + (self.weight - 1) * found


@dataclass(frozen=True)
class Dip:
    """KL(q(z|x) || p(z)) and how far the covariance of codes is from the identity: of the means of q(z|x) (DIP-VAE
    ``i``), or of codes drawn, the mean variance of q(z|x) on the diagonal (``ii``; Kumar et al. 2018, arXiv
    1711.00848, eqs. 6 and 7). The covariance is the batch's."""

    version: Literal["i", "ii"] = "ii"
    off_diagonal: float = 10.0
    diagonal: float | None = None  # none: 10 times off_diagonal for i, as much for ii

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        mean, log_variance = q.mean.flatten(1), q.log_variance.flatten(1)
        moments = aggregate.covariance(mean)
        if self.version == "ii":
            moments = moments + torch.diag(log_variance.float().exp().mean(0))
        usual = self.off_diagonal * (10 if self.version == "i" else 1)
        diagonal = usual if self.diagonal is None else self.diagonal
        return rate + aggregate.identity_gap(moments, self.off_diagonal, diagonal)


@dataclass(frozen=True)
class Factor:
    """KL(q(z|x) || p(z)) + weight TC, by a second player: a discriminator separates codes from codes whose values come
    from different images, and its logit is the log density ratio that TC is the mean of (FactorVAE; Kim & Mnih 2018,
    arXiv 1802.05983, eq. 2 and algorithm 1). Both are codes of one batch, where the source takes two. The term is part
    of a game, so it is reported beside ``penalty`` and not in it."""

    weight: float = 10.0
    widths: tuple[int, ...] = (256, 256, 256)  # of the discriminator; six of 1000 in the source
    optimiser: Optimiser = Optimiser(rate=1e-4, betas=(0.5, 0.9))

    def build(self, latent: int) -> nn.Sequential:
        """[b, ...] -> [b], the logit that the dimensions of a code belong together."""
        layers: list[nn.Module] = [nn.Flatten()]
        for below, above in pairwise((latent, *self.widths)):
            layers += [nn.Linear(below, above), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, nn.Linear((latent, *self.widths)[-1], 1), nn.Flatten(0))

    def __call__(self, rate: Tensor, q: Normal, z: Tensor, progress: Progress) -> Tensor:
        return rate

    def join(self, discriminator: nn.Module, z: Tensor, losses: Losses, progress: Progress) -> Losses:
        """A model's move with the discriminator's beside it."""
        apart = aggregate.permuted(z.flatten(1), progress.generator)
        found, other = discriminator(z).float(), discriminator(apart).float()
        against = judged(found, other)
        minimise = {"discriminator": against.mean(), "model": losses.minimise["model"] + self.weight * found.mean()}
        report = {**losses.report, "discriminator": against, "total correlation": found}
        return losses._replace(minimise=minimise, report=report)
