"""Langevin Monte Carlo against closed forms: facts.md 5.6, oracles 7-9.

Chains are independent, so that the standard error of a mean is known; seeds are fixed, and a right sampler with
another seed would fail each test with a chance below 1e-5 (4.5 standard errors)."""

import math

import pytest
import torch
from torch import Generator, Tensor

from latelier.config.settings import LARGEST
from latelier.errors import Refusal
from latelier.objectives.langevin import Chain, posterior_slope

CHAINS = 6_000
LAWS = {1.0: (0.41324, 0.82923), 3.0: (0.68903, 0.52524), 10.0: (0.78519, 0.38348)}  # w -> mean, variance


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


@pytest.mark.parametrize(("step", "precision"), [(2e-4, 1.0), (0.01, 1.0), (0.5, 1.0), (0.1, 4.0)])
def test_a_gaussians_variance_is_that_of_the_discrete_chain(step: float, precision: float) -> None:
    """1 / (P (1 - alpha P / 2)): started from it, the chain stays there; a wrong noise or slope leaves it at once."""
    expected = 1 / (precision * (1 - step * precision / 2))
    z = math.sqrt(expected) * normal(CHAINS, 1)
    z = Chain(step, min(300, round(20 / step))).run(z, lambda z: precision * z, generator())
    error = expected * math.sqrt(2 / CHAINS)
    assert abs(float(z.var()) - expected) < 4.5 * error
    assert abs(float(z.mean())) < 4.5 * math.sqrt(expected / CHAINS)


def test_the_papers_chain_contracts_by_a_factor_e() -> None:
    """5000 steps of 2e-4 are one unit of time: without noise z goes to z / e."""
    z = Chain(temperature=0.0).run(torch.ones(1, 1, dtype=torch.float64), lambda z: z, generator())
    assert z.item() == pytest.approx(math.exp(-1), rel=1e-3)


def exact(weight: float) -> tuple[float, float]:
    """Mean and variance of p(z | y = 1) prop sigmoid(w z) N(z; 0, 1), by quadrature; its normaliser is one half."""
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    density = torch.sigmoid(weight * z) * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    total = torch.trapezoid(density, z)
    assert total.item() == pytest.approx(0.5, abs=1e-9)
    mean = torch.trapezoid(z * density, z) / total
    return mean.item(), (torch.trapezoid(z**2 * density, z) / total - mean**2).item()


@pytest.mark.parametrize("weight", LAWS)
def test_the_table_of_the_logistic_posterior_is_right(weight: float) -> None:
    assert exact(weight) == pytest.approx(LAWS[weight], abs=1e-5)


@pytest.mark.parametrize("value", [1, 0])
def test_a_logistic_posterior_is_met_along_the_weight_and_the_prior_across(value: int) -> None:
    """At w = 3 the exact mean is .68903 and the variance .52524; steps of .01 add a bias of about .01 to the mean."""
    weight = torch.tensor([[3.0, 0.0, 0.0]], dtype=torch.float64)
    slope = posterior_slope(weight, weight.new_zeros(1), torch.tensor([value]))
    z = Chain(0.01, 500).run(normal(CHAINS, 3), slope, generator())
    mean, variance = LAWS[3.0]
    sign = 1 if value else -1
    assert float(z[:, 0].mean()) == pytest.approx(sign * mean, abs=0.012 + 4.5 * math.sqrt(variance / CHAINS))
    assert float(z[:, 0].var()) == pytest.approx(variance, abs=0.006 + 4.5 * variance * math.sqrt(2 / CHAINS))
    assert float(z[:, 1:].mean()) == pytest.approx(0, abs=4.5 / math.sqrt(2 * CHAINS))
    assert float(z[:, 1:].var()) == pytest.approx(1, abs=0.006 + 4.5 * math.sqrt(1 / CHAINS))
    assert float(torch.corrcoef(z.T)[0, 1]) == pytest.approx(0, abs=4.5 / math.sqrt(CHAINS))


def test_no_step_moves_nothing() -> None:
    """Oracle 9."""
    z = normal(5, 3)
    assert torch.equal(Chain(step=0.0, steps=10).run(z, lambda z: z, generator()), z)


def test_without_temperature_it_climbs_the_log_posterior() -> None:
    """And the slope is the energy's gradient, for several attributes, biases and both values."""
    weight, bias, value = normal(3, 4, seed=2), normal(3, seed=3), torch.tensor([1, 0, 1])
    slope = posterior_slope(weight, bias, value)

    def energy(z: Tensor) -> Tensor:
        odds = (z @ weight.T + bias) * (2 * value - 1)
        return -torch.nn.functional.logsigmoid(odds).sum(1) + z.square().sum(1) / 2

    z = normal(6, 4).requires_grad_()
    torch.testing.assert_close(slope(z), torch.autograd.grad(energy(z).sum(), z)[0])
    still = Chain(0.01, 1, temperature=0.0).run(z.detach(), slope, generator())
    torch.testing.assert_close(still, z.detach() - 0.01 * slope(z.detach()))
    assert (energy(still) < energy(z.detach())).all()


def test_a_step_goes_down_the_slope_and_by_the_generators_noise() -> None:
    z = normal(4, 2)
    found = Chain(0.125, 2, temperature=2.0).run(z, lambda z: 3 * z, generator(5))
    draw = generator(5)
    for _ in range(2):
        noise = torch.randn(4, 2, generator=draw, dtype=torch.float64)
        z = z - 0.125 * 3 * z + math.sqrt(2 * 0.125 * 2.0) * noise
    assert torch.equal(found, z)


@pytest.mark.parametrize("name", ["step", "steps", "temperature"])
@pytest.mark.parametrize(("value", "most"), [(-1, ""), (2 * LARGEST, " and at most 1e+12")])
def test_a_chain_that_goes_backwards_or_never_ends_is_refused(name: str, value: float, most: str) -> None:
    with pytest.raises(Refusal) as raised:
        Chain(**{name: value})  # type: ignore[arg-type]
    assert str(raised.value) == f"a Langevin chain has a {name} of at least 0{most}, not {value}"
    Chain(**{name: LARGEST})  # type: ignore[arg-type]
