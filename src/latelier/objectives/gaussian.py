"""Diagonal Gaussians, given by mean and log-variance.

Densities are in nats, summed over all but the first ``keep`` axes: one value an image, [b], or with ``keep=2`` one a
sample and image, [s, b]. The divergence stays elementwise, because it is also read per latent dimension.
"""

import math

import torch
from torch import Generator, Tensor

from latelier.objectives.noise import normal
from latelier.objectives.reduction import aligned, summed, wide

LOG_TWO_PI = math.log(2 * math.pi)


def halves(out: Tensor, dim: int = 1) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, float32, which a net gives side by side along ``dim``. The log-variance lies within
    [-30, 20]: beyond it exp overflows before the loss can pull it back."""
    mean, log_variance = out.float().chunk(2, dim)
    return mean, log_variance.clamp(-30, 20)


def kl_to_standard(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, elementwise [b, ...] (Kingma & Welling 2014, appendix B)."""
    mean, log_variance = wide(mean), wide(log_variance)
    # expm1 keeps the digits of a nearly collapsed latent, where exp(v) - 1 - v cancels.
    return 0.5 * (mean.square() + log_variance.expm1() - log_variance)


def log_density(x: Tensor, mean: Tensor, log_variance: Tensor, *, keep: int = 1) -> Tensor:
    """log N(x; mean, variance) in nats, summed over all but the first ``keep`` axes.

    ``x`` and ``mean`` have one shape, or one of them has further leading axes: z [s, b, k] under mean [b, k], or image
    [b, c, h, w] under means [s, b, c, h, w], both with ``keep=2``. ``log_variance`` broadcasts ([], [c, 1, 1], ...).
    """
    assert aligned(x, mean), f"x {tuple(x.shape)} and mean {tuple(mean.shape)} differ in more than leading axes"
    x, mean, log_variance = wide(x), wide(mean), wide(log_variance)
    squared_error = (x - mean).square()
    if log_variance.ndim == 0:  # one variance for all comes out of the sum: the usual image likelihood at half the cost
        numbers = math.prod(squared_error.shape[keep:])
        distance = summed(squared_error, keep=keep) * log_variance.neg().exp()
        return -0.5 * (distance + numbers * (log_variance + LOG_TWO_PI))
    return -0.5 * summed(squared_error * log_variance.neg().exp() + log_variance + LOG_TWO_PI, keep=keep)


def log_standard(z: Tensor, *, keep: int = 1) -> Tensor:
    """log N(z; 0, 1) in nats, summed over all but the first ``keep`` axes."""
    return -0.5 * summed(wide(z).square() + LOG_TWO_PI, keep=keep)


def sample(mean: Tensor, log_variance: Tensor, generator: Generator, *, same: bool = False) -> Tensor:
    """One reparameterised draw, mean + sd * noise, of the mean's shape; for s draws give mean.expand(s, *mean.shape).
    With ``same`` all rows share their noise."""
    mean, log_variance = wide(mean), wide(log_variance)
    return torch.addcmul(mean, (0.5 * log_variance).exp(), normal(mean, generator, same))
