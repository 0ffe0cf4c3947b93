"""The two-point example of InfoVAE (Zhao et al. 2019, figure 1): where our terms have their optimum.

The tables hold (m, s) and the mass that q(z) leaves in |z| < 1/4, where the prior has .1974. The ELBO is alpha = 0,
weight = 1; the columns of InfoVAE are alpha = 1, so the MMD is all that holds the codes to the prior. With alpha = 0
they would be others.
"""

import math

import numpy as np
import pytest
import torch

from latelier.objectives.two_points import loss, solve

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


@pytest.mark.parametrize("sigma", ELBO)
def test_elbo_leaves_the_prior_as_its_decoder_sharpens(sigma: float) -> None:
    q = solve(sigma=sigma, alpha=0, weight=1)
    (m, s), mass = q, q.mass()
    assert (m, s) == pytest.approx(ELBO[sigma][:2], abs=0.0006 if sigma < 1 else 0.02)  # at sigma = 1 it is flat: m^4
    assert mass == pytest.approx(ELBO[sigma][2], abs=0.0001)
    assert m**2 + s**2 == pytest.approx(1, abs=2e-8 if sigma < 1 else 1e-5)


@pytest.mark.parametrize("sigma", THOUSAND)
@pytest.mark.parametrize(("weight", "table"), [(1_000, THOUSAND), (10_000, TEN_THOUSAND)])
def test_infovae_stays_near_the_prior(weight: float, table: dict[float, tuple[float, ...]], sigma: float) -> None:
    q = solve(sigma=sigma, alpha=1, weight=weight)
    (m, s), mass = q, q.mass()
    assert (m, s) == pytest.approx(table[sigma][:2], abs=0.0015)  # 600 points stand for each law
    assert mass == pytest.approx(table[sigma][2], abs=0.0003)
    assert ELBO[sigma][2] - 0.01 < mass < PRIOR_MASS


@pytest.mark.slow
def test_the_divergence_per_image_would_collapse_the_widest_decoder() -> None:
    """At sigma = 1 what separates the columns of InfoVAE from a collapse is alpha = 1."""
    m, s = solve(sigma=1.0, alpha=0, weight=1_000)
    assert m < 0.05
    assert s == pytest.approx(1, abs=0.01)


def likeness(variances: float, apart: float) -> float:
    """E exp(-r^2 / 2) of a difference r between two normals, of these variances together and this far apart."""
    return math.exp(-(apart**2) / (2 * (1 + variances))) / math.sqrt(1 + variances)


@pytest.mark.parametrize(("alpha", "weight"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.5, 3.0)])
def test_the_loss_is_what_it_is_written_as(alpha: float, weight: float) -> None:
    """By the trapezoid rule, and by closed forms of the divergence and of the MMD."""
    m, s, sigma = 0.6, 0.4, 0.5
    z = np.linspace(-8, 8, 16_001)
    density = np.exp(-(((z - m) / s) ** 2) / 2) / (s * math.sqrt(2 * math.pi))
    error = (1 - np.tanh(m * z / s**2)) ** 2
    log_p = np.trapezoid(density * (-error / (2 * sigma**2) - math.log(sigma * math.sqrt(2 * math.pi))), z)
    kl = (m**2 + s**2 - 1) / 2 - math.log(s)
    codes = (likeness(2 * s**2, 0) + likeness(2 * s**2, 2 * m)) / 2
    squared = codes - 2 * likeness(1 + s**2, m) + likeness(2, 0)
    assert squared > 0.01  # so that its factor is seen
    at = torch.tensor([m, math.log(s)], dtype=torch.float64)
    found = loss(at[0], at[1], sigma=sigma, alpha=alpha, weight=weight)
    exact = -log_p + (1 - alpha) * kl + (alpha + weight - 1) * squared
    assert float(found.mean()) == pytest.approx(exact, abs=1e-8 if weight + alpha == 1 else 1e-3)
    assert found.shape == (2,)
