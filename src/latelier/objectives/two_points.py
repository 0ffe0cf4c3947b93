"""The two-point example of InfoVAE (Zhao et al. 2019, figure 1), solved exactly with our terms.

The images are the numbers x = 1 and x = -1, q(z | x) = N(m x, s^2), and the decoder is Gaussian with sd sigma and its
best mean, tanh(m z / s^2). What is minimised over (m, s), with the kernel exp(-r^2 / 2), is

    -E log p(x | z) + (1 - alpha) KL(q(z | x) || p(z)) + (alpha + weight - 1) MMD^2(q(z), p(z))

The ELBO is alpha = 0, weight = 1. With alpha = 1 the MMD is all that holds the codes to the prior.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.objectives import gaussian, mmd
from latelier.objectives.reduction import summed

NEAR = 0.25  # |z| below it is near 0


class Encoder(NamedTuple):
    """q(z | x) = N(m x, s^2)."""

    m: float
    s: float

    def mass(self) -> float:
        """What q(z) leaves in |z| < 1/4, where the prior has .1974."""
        root = self.s * math.sqrt(2)
        return (math.erf((NEAR - self.m) / root) + math.erf((NEAR + self.m) / root)) / 2


def solve(*, sigma: float, alpha: float, weight: float) -> Encoder:
    """The optimum, from m = 0.7, s = 0.6; m >= 0."""
    at = torch.tensor([0.7, math.log(0.6)], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [at], max_iter=200, tolerance_grad=1e-9, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def value() -> Tensor:
        optimiser.zero_grad()
        mean = loss(at[0], at[1], sigma=sigma, alpha=alpha, weight=weight).mean() / weight
        mean.backward()
        return mean

    optimiser.step(value)
    m, log_s = at.tolist()
    return Encoder(abs(m), math.exp(log_s))


def loss(m: Tensor, log_s: Tensor, *, sigma: float, alpha: float, weight: float) -> Tensor:
    """The objective above in nats, one value an image: [2]. Expectations by quadrature, the MMD between strata."""
    images = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    nodes, shares = _hermite(200)
    mean, log_variance = m * images, 2 * log_s.expand(2, 1)
    z = mean + log_s.exp() * nodes  # [s, 2, 1]
    decoded = torch.tanh(m * z / log_variance.exp())
    log_sigma2 = torch.tensor(2 * math.log(sigma), dtype=torch.float64)
    likelihood = (shares * gaussian.log_density(images, decoded, log_sigma2, keep=2)).sum(0)
    total: Tensor = (1 - alpha) * summed(gaussian.kl_to_standard(mean, log_variance)) - likelihood
    if alpha + weight != 1:
        codes = (mean + log_s.exp() * _strata(300)[:, None]).flatten(0, 1)
        total = total + (alpha + weight - 1) * mmd.squared(codes, _strata(600), kernel=mmd.Gaussian(bandwidth=1.0))
    return total


@cache
def _strata(n: int) -> Tensor:
    """Means of the n slices of N(0, 1) of equal chance, [n, 1]: a sample without its noise, for the MMD."""
    edge: Tensor = torch.special.ndtri(torch.linspace(0, 1, n + 1, dtype=torch.float64))
    return n * -gaussian.log_standard(edge[:, None]).exp().diff()[:, None]


@cache
def _hermite(nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes [s, 1, 1] and weights [s, 1] of Gauss-Hermite quadrature, for the expectation under q(z | x)."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.from_numpy(node)[:, None, None], torch.from_numpy(weight / weight.sum())[:, None]
