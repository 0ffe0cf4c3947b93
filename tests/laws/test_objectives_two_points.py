"""The two-point example of InfoVAE (Zhao et al. 2019, figure 1), solved with our terms.

The images are the numbers x = 1 and x = -1, q(z | x) = N(m x, s^2), and the decoder is Gaussian with sd sigma and its
best mean, tanh(m z / s^2). With the kernel exp(-r^2 / 2) the tables hold the (m, s) that minimise

    -E log p(x | z) + (1 - alpha) KL(q(z | x) || p(z)) + (alpha + weight - 1) MMD^2(q(z), p(z))

and the mass that q(z) leaves in |z| < 1/4, where the prior has .1974. The ELBO is alpha = 0, weight = 1; the columns of
InfoVAE are alpha = 1, so the MMD is all that holds the codes to the prior. With alpha = 0 they would be others.
"""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from latelier.objectives import gaussian, mmd
from latelier.objectives.reduce import summed

IMAGES = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
PRIOR_MASS = math.erf(0.25 / math.sqrt(2))

ELBO = {  # sigma of the decoder: m, s, mass
    1.0: (0.000, 1.000, 0.1974),
    0.5: (0.881, 0.473, 0.0828),
    0.3: (0.925, 0.381, 0.0372),
    0.2: (0.941, 0.338, 0.0204),
    0.1: (0.957, 0.291, 0.0076),
}
THOUSAND = {
    1.0: (0.561, 0.806, 0.1926),
    0.5: (0.656, 0.702, 0.1830),
    0.3: (0.721, 0.588, 0.1622),
    0.2: (0.758, 0.472, 0.1245),
    0.1: (0.776, 0.317, 0.0478),
}
TEN_THOUSAND = {
    1.0: (0.413, 0.906, 0.1965),
    0.5: (0.499, 0.854, 0.1950),
    0.3: (0.568, 0.800, 0.1922),
    0.2: (0.624, 0.743, 0.1876),
    0.1: (0.715, 0.602, 0.1654),
}


def strata(n: int) -> Tensor:
    """Means of the n slices of N(0, 1) of equal chance, [n, 1]: a sample without its noise, for the MMD."""
    edge: Tensor = torch.special.ndtri(torch.linspace(0, 1, n + 1, dtype=torch.float64))
    return n * -gaussian.log_standard(edge[:, None]).exp().diff()[:, None]


def hermite(nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes [s, 1, 1] and weights [s, 1] of Gauss-Hermite quadrature, for the expectation under q(z | x)."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.from_numpy(node)[:, None, None], torch.from_numpy(weight / weight.sum())[:, None]


NODES, WEIGHTS = hermite(200)
CODE_POINTS, PRIOR_POINTS = strata(300), strata(600)


def loss(m: Tensor, log_s: Tensor, *, sigma: float, alpha: float, weight: float) -> Tensor:
    """The objective above in nats, one value an image: [2]."""
    mean, log_variance = m * IMAGES, 2 * log_s.expand(2, 1)
    z = mean + log_s.exp() * NODES  # [s, 2, 1]
    decoded = torch.tanh(m * z / log_variance.exp())
    log_sigma2 = torch.tensor(2 * math.log(sigma), dtype=torch.float64)
    likelihood = (WEIGHTS * gaussian.log_density(IMAGES, decoded, log_sigma2, keep=2)).sum(0)
    total: Tensor = (1 - alpha) * summed(gaussian.kl_to_standard(mean, log_variance)) - likelihood
    if alpha + weight != 1:
        codes = (mean + log_s.exp() * CODE_POINTS[:, None]).flatten(0, 1)
        total = total + (alpha + weight - 1) * mmd.squared(codes, PRIOR_POINTS, kernel=mmd.Gaussian(bandwidth=1.0))
    return total


def solve(*, sigma: float, alpha: float, weight: float) -> tuple[float, float, float]:
    """m, s and the mass of q(z) in |z| < 1/4 at the optimum."""

    def value_and_gradient(point: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(point).requires_grad_()
        value = loss(at[0], at[1], sigma=sigma, alpha=alpha, weight=weight).mean() / weight
        (gradient,) = torch.autograd.grad(value, at)
        return value.item(), gradient.numpy()

    start = np.array([0.7, math.log(0.6)])
    m, log_s = minimize(value_and_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-6 / weight**0.5}).x
    m, s = abs(m), math.exp(log_s)
    mass = (math.erf((0.25 - m) / (s * math.sqrt(2))) + math.erf((0.25 + m) / (s * math.sqrt(2)))) / 2
    return m, s, mass


@pytest.mark.parametrize("sigma", ELBO)
def test_elbo_leaves_the_prior_as_its_decoder_sharpens(sigma: float) -> None:
    m, s, mass = solve(sigma=sigma, alpha=0, weight=1)
    assert (m, s) == pytest.approx(ELBO[sigma][:2], abs=0.0006 if sigma < 1 else 0.02)  # at sigma = 1 it is flat: m^4
    assert mass == pytest.approx(ELBO[sigma][2], abs=0.0001)
    assert m**2 + s**2 == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("sigma", THOUSAND)
@pytest.mark.parametrize(("weight", "table"), [(1_000, THOUSAND), (10_000, TEN_THOUSAND)])
def test_infovae_stays_near_the_prior(weight: float, table: dict[float, tuple[float, ...]], sigma: float) -> None:
    m, s, mass = solve(sigma=sigma, alpha=1, weight=weight)
    assert (m, s) == pytest.approx(table[sigma][:2], abs=0.0015)  # 600 points stand for each law
    assert mass == pytest.approx(table[sigma][2], abs=0.0003)
    assert ELBO[sigma][2] - 0.01 < mass < PRIOR_MASS


def test_the_divergence_per_image_would_collapse_the_widest_decoder() -> None:
    """At sigma = 1 what separates the columns of InfoVAE from a collapse is alpha = 1."""
    m, s, _ = solve(sigma=1.0, alpha=0, weight=1_000)
    assert m < 0.05
    assert s == pytest.approx(1, abs=0.01)
