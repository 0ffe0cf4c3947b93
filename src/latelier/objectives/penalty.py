"""What holds the codes to the prior: the second half of a variational objective, as exclusive choices.

Each is called with the rate KL(q(z|x) || p(z)) [b] and the codes drawn [b, k], and answers one value an image in nats,
to be added to the distortion (the negative log-likelihood)."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from latelier.config.settings import LARGEST, LEAST
from latelier.core import Progress
from latelier.errors import Refusal
from latelier.objectives import mmd


@dataclass(frozen=True)
class Beta:
    """weight * KL(q(z|x) || p(z)): the VAE at 1 (Kingma & Welling 2014, eq. 3), beta-VAE above (Higgins et al. 2017,
    eq. 4). ``warmup`` images raise the weight linearly from 0, which keeps a young decoder from ignoring its code."""

    weight: float = 1.0
    warmup: int = 0

    def __call__(self, rate: Tensor, z: Tensor, progress: Progress) -> Tensor:
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

    def __call__(self, rate: Tensor, z: Tensor, progress: Progress) -> Tensor:
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

    def __call__(self, rate: Tensor, z: Tensor, progress: Progress) -> Tensor:
        draws = torch.randn(self.prior, z.shape[1], generator=progress.generator, device=progress.generator.device)
        gap = mmd.shares(z, draws.to(z.device))
        return (1 - self.alpha) * rate + (self.alpha + self.weight - 1) * gap
