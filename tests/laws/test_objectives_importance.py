"""Laws of the evidence bounds."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from latelier.errors import Refusal
from latelier.objectives import gaussian, importance


def linear_gaussian(mean: float, variance: float, samples: int, images: int) -> tuple[Tensor, Tensor]:
    """log weights [s, b] and exact evidence [b] of z ~ N(0, 1), x ~ N(z, 1/2) at x = 1.5, for q = N(mean, variance)."""
    x = torch.full((images, 1), 1.5, dtype=torch.float64)
    half, full = (torch.tensor(v, dtype=torch.float64).log() for v in (0.5, 1.5))
    m, v = torch.full_like(x, mean), torch.full_like(x, variance).log()
    z = gaussian.sample(m.expand(samples, images, 1), v, torch.Generator().manual_seed(0))
    joint = gaussian.log_standard(z, keep=2) + gaussian.log_density(x, z, half, keep=2)
    return joint - gaussian.log_density(z, m, v, keep=2), gaussian.log_density(x, torch.zeros_like(x), full)


def test_the_exact_posterior_gives_the_evidence_with_every_sample() -> None:
    weights, evidence = linear_gaussian(mean=1.0, variance=1 / 3, samples=8, images=5)
    for bound in (importance.elbo(weights), *importance.iwae_by_k(weights, (1, 3, 8)).values()):
        torch.testing.assert_close(bound, evidence)
    torch.testing.assert_close(importance.effective_samples(weights), torch.full_like(evidence, 8))


def test_bounds_rise_with_k_towards_the_evidence() -> None:
    """The gap to the evidence is KL(q || posterior) at k = 1 and nears var(weight / evidence) / (2 k) as k grows
    (Nowozin 2018); the posterior is N(1, 1/3)."""
    images, m, v = 20_000, 0.5, 0.5
    weights, evidence = linear_gaussian(mean=m, variance=v, samples=64, images=images)
    bounds = importance.iwae_by_k(weights, (1, 4, 16, 64))
    means = [bound.mean() for bound in bounds.values()]
    # Groups nest, so only the last step can fail by chance: the gap at k = 64 is 6 standard errors (false alarm 1e-9).
    assert all(earlier < later for earlier, later in itertools.pairwise([*means, evidence[0]]))

    gap, error = (evidence - bounds[1]).mean(), bounds[1].std() / math.sqrt(images)
    assert (gap - (3 * v + 3 * (1 - m) ** 2 - 1 - math.log(3 * v)) / 2).abs() < 4.5 * error  # false alarm 7e-6

    grid = torch.linspace(-8, 8, 8001, dtype=torch.float64)
    posterior, q = torch.distributions.Normal(1.0, math.sqrt(1 / 3)), torch.distributions.Normal(m, math.sqrt(v))
    spread = torch.trapezoid((2 * posterior.log_prob(grid) - q.log_prob(grid)).exp(), grid) - 1
    gap, error = (evidence - bounds[16]).mean(), bounds[16].std() / math.sqrt(images)
    assert (gap - spread / 32).abs() < 4.5 * error + 0.05 * gap  # false alarm below 7e-6; 5 % for the terms in 1 / k^2


def test_nested_groups_rise_for_every_image() -> None:
    weights = 3 * torch.randn(12, 50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    bounds = list(importance.iwae_by_k(weights, (1, 2, 6, 12)).values())
    for lower, upper in itertools.pairwise(bounds):
        assert (lower <= upper).all()
    torch.testing.assert_close(bounds[0], importance.elbo(weights))
    torch.testing.assert_close(bounds[-1], importance.iwae(weights))
    assert (importance.iwae(weights) <= weights.max(0).values).all()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_k_sample_bound_is_unbiased(k: int) -> None:
    """Weights of 1 or 5 with equal chance: all 64 draws of six samples, as one batch, give the expectation exactly."""
    draws = torch.tensor(list(itertools.product([1.0, 5.0], repeat=6)), dtype=torch.float64).log().T
    exact = sum(math.comb(k, fives) * math.log((k + 4 * fives) / k) for fives in range(k + 1)) / 2**k
    assert importance.iwae_by_k(draws, [k])[k].mean().item() == pytest.approx(exact, abs=1e-12)


def test_effective_samples_count_what_carries_weight() -> None:
    even, lone = torch.full((10, 1), -700.0), torch.full((10, 1), -2000.0)
    lone[3] = -700.0
    random = torch.randn(10, 20, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(importance.effective_samples(torch.cat([even, lone], 1)), torch.tensor([10.0, 1.0]))
    number = importance.effective_samples(random)
    assert (number > 1).all()
    assert (number < 10).all()
    torch.testing.assert_close(importance.effective_samples(random - 40), number, rtol=1e-4, atol=0)


def test_bounds_survive_weights_whose_exponential_does_not() -> None:
    weights = torch.tensor([[-5000.0, 300.0], [-5001.0, 301.0]])
    expected = torch.tensor([-5000.0, 301.0]) + math.log((1 + math.exp(-1)) / 2)
    torch.testing.assert_close(importance.iwae(weights), expected)
    assert importance.iwae(weights.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("k", [0, 5])
def test_more_samples_than_drawn_are_refused(k: int) -> None:
    with pytest.raises(Refusal, match=f"{k} samples was asked of 4 drawn; ask for 1 to 4"):
        importance.iwae_by_k(torch.zeros(4, 2), [1, k])
