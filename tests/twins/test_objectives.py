"""Slow transcriptions of the formulas, one number at a time, equal to the fast objectives."""

import math

import pytest
import torch
from torch import Tensor

from latelier.objectives import bernoulli, gaussian, importance, mmd

B, K = 3, 4


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def exact(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_divergence(draw: torch.Generator) -> None:
    """1/2 (mu^2 + sigma^2 - 1 - log sigma^2), Kingma & Welling 2014, appendix B."""
    mean, log_variance = torch.randn(2, B, K, generator=draw, dtype=torch.float64)
    twin = torch.empty(B, K, dtype=torch.float64)
    for i in range(B):
        for j in range(K):
            mu, sigma = mean[i, j].item(), math.sqrt(math.exp(log_variance[i, j].item()))
            twin[i, j] = (mu**2 + sigma**2 - 1 - math.log(sigma**2)) / 2
    torch.testing.assert_close(gaussian.kl_to_standard(mean, log_variance), twin)


def test_gaussian_log_density(draw: torch.Generator) -> None:
    """log of the product over pixels of (2 pi sigma^2)^(-1/2) exp(-(x - mu)^2 / (2 sigma^2)); one sigma a channel."""
    x, mean = torch.randn(2, B, 2, 3, 3, generator=draw, dtype=torch.float64)
    log_variance = exact([-0.5, 0.3])
    twin = []
    for i in range(B):
        density = 1.0
        for c in range(2):
            variance = math.exp(log_variance[c].item())
            for h in range(3):
                for w in range(3):
                    error = x[i, c, h, w].item() - mean[i, c, h, w].item()
                    density *= math.exp(-(error**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        twin.append(math.log(density))
    torch.testing.assert_close(gaussian.log_density(x, mean, log_variance[:, None, None]), exact(twin))


def test_gaussian_log_density_with_one_sigma_and_standard(draw: torch.Generator) -> None:
    z, mean = torch.randn(2, B, K, generator=draw, dtype=torch.float64)
    one, standard = [0.0] * B, [0.0] * B
    for i in range(B):
        for j in range(K):
            a, m = z[i, j].item(), mean[i, j].item()
            one[i] += math.log(math.exp(-((a - m) ** 2) / (2 * 0.3**2)) / (0.3 * math.sqrt(2 * math.pi)))
            standard[i] += math.log(math.exp(-(a**2) / 2) / math.sqrt(2 * math.pi))
    torch.testing.assert_close(gaussian.log_density(z, mean, exact(math.log(0.3**2))), exact(one))
    torch.testing.assert_close(gaussian.log_standard(z), exact(standard))


def test_bernoulli(draw: torch.Generator) -> None:
    """Probability of a binary image: the product of p where a pixel is on and 1 - p where it is off."""
    logits = 2 * torch.randn(B, 1, 3, 4, generator=draw, dtype=torch.float64)
    x = torch.rand(B, 1, 3, 4, generator=draw, dtype=torch.float64).round()
    twin = []
    for i in range(B):
        probability = 1.0
        for h in range(3):
            for w in range(4):
                p = 1 / (1 + math.exp(-logits[i, 0, h, w].item()))
                probability *= p if x[i, 0, h, w].item() == 1 else 1 - p
        twin.append(math.log(probability))
    torch.testing.assert_close(bernoulli.log_likelihood(x, logits), exact(twin))


def infovae_kernel(a: list[float], b: list[float]) -> float:
    """exp(-mean_j (a_j - b_j)^2 / d), as the authors write it."""
    d = len(a)
    return math.exp(-sum((a[j] - b[j]) ** 2 for j in range(d)) / d / d)


@pytest.mark.parametrize("biased", [True, False])
def test_mmd(draw: torch.Generator, biased: bool) -> None:
    """Gretton et al. 2012: (3) without, (5) with the terms of a point and itself."""
    x, y = (torch.randn(n, K, generator=draw, dtype=torch.float64) for n in (5, 7))
    rows, others = x.tolist(), y.tolist()
    total = 0.0
    for sample in (rows, others):
        n = len(sample)
        for i in range(n):
            for j in range(n):
                if biased:
                    total += infovae_kernel(sample[i], sample[j]) / n**2
                elif i != j:
                    total += infovae_kernel(sample[i], sample[j]) / (n * (n - 1))
    for a in rows:
        for b in others:
            total -= 2 * infovae_kernel(a, b) / (len(rows) * len(others))
    assert mmd.squared(x, y, biased=biased).item() == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_importance_weighted_bound(draw: torch.Generator, k: int) -> None:
    """Mean over groups of log (1/k sum of k weights), Burda et al. 2016; five samples make five, two, one, one."""
    log_weight = torch.randn(5, B, generator=draw, dtype=torch.float64)
    twin = []
    for i in range(B):
        groups = [range(start, start + k) for start in range(0, 5 - k + 1, k)]
        logs = [math.log(sum(math.exp(log_weight[s, i].item()) for s in group) / k) for group in groups]
        twin.append(sum(logs) / len(logs))
    torch.testing.assert_close(importance.iwae_by_k(log_weight, [k])[k], exact(twin))
    if k == 5:
        torch.testing.assert_close(importance.iwae(log_weight), exact(twin))
    if k == 1:
        torch.testing.assert_close(importance.elbo(log_weight), exact(twin))
