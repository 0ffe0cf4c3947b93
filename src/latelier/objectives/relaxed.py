"""Bernoulli latents, given by logits: relaxed draws that a gradient passes, and the divergence from a prior."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import Progress
from latelier.errors import Refusal
from latelier.objectives.noise import uniform
from latelier.objectives.reduction import wide

STEP = 128  # images in a step of the source, by which it counts its annealing


@dataclass(frozen=True)
class Temperature:
    """max(floor, start * exp(-anneal * steps)), a step being 128 images (Gupta et al. 2020, section 4; their code
    compounds the factor every thousand steps, which reaches the floor six times as early)."""

    start: float = 1.0
    anneal: float = 3e-5
    floor: float = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.floor <= self.start and self.anneal >= 0):
            raise Refusal(
                f"temperature: 0 < floor <= start and anneal >= 0 are needed, not floor {self.floor:g}, start "
                f"{self.start:g}, anneal {self.anneal:g}"
            )

    def at(self, progress: Progress) -> float:
        return max(self.floor, self.start * math.exp(-self.anneal * progress.seen / STEP))


def sample(logits: Tensor, temperature: float, generator: Generator, *, same: bool = False) -> Tensor:
    """sigmoid((logits + logistic noise) / temperature), in (0, 1) (Maddison et al. 2017, arXiv 1611.00712, appendix B).
    Over 1/2 with probability sigmoid(logits) at every temperature; Bernoulli in the limit of 0. With ``same`` all rows
    share their noise, here and below."""
    logits = wide(logits)
    u = uniform(logits, generator, same)
    tiny = torch.finfo(u.dtype).eps  # the noise is finite, and so is its gradient
    u = u.clamp(tiny, 1 - tiny)
    return ((logits + u.log() - torch.log1p(-u)) / temperature).sigmoid()


def hard(logits: Tensor, generator: Generator, *, same: bool = False) -> Tensor:
    """Bernoulli(sigmoid(logits)) in {0, 1}; no gradient."""
    p = wide(logits).sigmoid()
    return (uniform(p, generator, same) < p).to(p.dtype)


def kl_to(prior: float, logits: Tensor) -> Tensor:
    """KL(Bernoulli(sigmoid(logits)) || Bernoulli(prior)) in nats, elementwise. Exact for hard draws; that relaxed ones
    are trained under it is the source's choice, and no bound."""
    logits = wide(logits)
    p, log_p, log_not = logits.sigmoid(), functional.logsigmoid(logits), functional.logsigmoid(-logits)
    q = torch.tensor(prior, dtype=logits.dtype, device=logits.device)
    return p * (log_p - q.log()) + (1 - p) * (log_not - torch.log1p(-q))
