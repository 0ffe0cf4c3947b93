"""The prior of a variational autoencoder's code, as exclusive choices: N(0, I), or the mixture of posteriors of learned
images."""

import math
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from latelier.config.settings import LEAST
from latelier.objectives import gaussian
from latelier.objectives.bound import Normal


@dataclass(frozen=True)
class Standard:
    """N(0, I)."""


@dataclass(frozen=True)
class Vamp:
    """p(z) = mean over k of q(z | u_k), the posteriors of ``components`` images u_k that are weights (Tomczak & Welling
    2018, arXiv 1705.07120, eq. 9)."""

    components: int = field(default=100, metadata={LEAST: 1})


class PseudoInputs(nn.Module):
    """[components, c, h, w], held in [0, 1]; they begin as noise about mid-grey."""

    def __init__(self, components: int, image: tuple[int, int, int]):
        super().__init__()
        self.pixels = nn.Parameter(0.5 + 0.1 * torch.randn(components, *image))

    def forward(self) -> Tensor:
        return self.pixels.clamp(0, 1)


def log_mixture(z: Tensor, q: Normal, *, keep: int = 1) -> Tensor:
    """log of the mean density in nats at z, its first ``keep`` axes kept ([b] of z [b, ...]), of the Gaussians q, whose
    means are [components, ...]."""
    components, numbers = q.mean.flatten(1), z.shape[keep:].numel()
    each = gaussian.log_density(
        z.reshape(-1, 1, numbers).expand(-1, len(components), -1), components, q.log_variance.flatten(1), keep=2
    )
    return (each.logsumexp(1) - math.log(len(components))).view(z.shape[:keep])


def drawn(q: Normal, n: int, generator: Generator) -> Tensor:
    """[n, ...] draws of the mixture."""
    device = q.mean.device
    component = torch.randint(len(q.mean), (n,), generator=generator, device=generator.device).to(device)
    return gaussian.sample(q.mean[component], q.log_variance[component], generator)
