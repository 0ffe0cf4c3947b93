"""Laws of the maximum mean discrepancy."""

import math

import pytest
import torch
from torch import Tensor

from latelier.objectives import mmd

KERNELS = [mmd.Gaussian(), mmd.Gaussian(bandwidth=1.0), mmd.InverseMultiquadratic()]
MIXTURE_TO_PRIOR = 0.097465  # MMD^2 of half N(1.2, .3^2), half N(-1.2, .3^2) to N(0, 1) under exp(-r^2 / 2)


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def strata(n: int) -> Tensor:
    """n points [n, 1] that split N(0, 1) into equal chances: a sample without its noise."""
    chance = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    points: Tensor = torch.special.ndtri(chance)
    return points[:, None]


def similarity(distance: float, variance: float) -> float:
    """E exp(-r^2 / 2) between two independent Gaussians: the distance of their means, the sum of their variances."""
    return math.exp(-(distance**2) / (2 * (1 + variance))) / math.sqrt(1 + variance)


@pytest.mark.parametrize("kernel", KERNELS)
def test_biased_estimate_is_a_squared_distance_between_samples(kernel: mmd.Kernel) -> None:
    x, y = normals(40, 5, seed=1), 0.7 * normals(60, 5, seed=2) + 0.3
    between = mmd.squared(x, y, kernel=kernel)
    torch.testing.assert_close(mmd.squared(x, x, kernel=kernel), torch.zeros_like(between), rtol=0, atol=1e-14)
    assert between > 0.01
    torch.testing.assert_close(mmd.squared(y, x, kernel=kernel), between)
    torch.testing.assert_close(mmd.squared(x.flip(0), y.roll(7, 0), kernel=kernel), between)
    rotation = torch.linalg.qr(normals(5, 5, seed=3)).Q
    torch.testing.assert_close(mmd.squared(x @ rotation + 2, y @ rotation + 2, kernel=kernel), between)


@pytest.mark.parametrize("kernel", KERNELS)
def test_biased_estimate_is_never_negative(kernel: mmd.Kernel) -> None:
    for seed in range(30):
        x, y = normals(2, 12, 3, seed=seed)
        assert mmd.squared(x, y, kernel=kernel) >= 0


def test_closed_form_between_gaussian_mixtures() -> None:
    m, s = 1.2, 0.3
    within = 0.5 * (similarity(0, 2 * s**2) + similarity(2 * m, 2 * s**2))
    exact = within - 2 * similarity(m, s**2 + 1) + similarity(0, 2)
    assert exact == pytest.approx(MIXTURE_TO_PRIOR, abs=1e-6)
    mixture = torch.cat([m + s * strata(500), -m + s * strata(500)])
    value = mmd.squared(mixture, strata(1000), kernel=mmd.Gaussian(1.0)).item()
    assert value == pytest.approx(exact, abs=1e-4)


def test_estimates_from_draws_meet_the_closed_form() -> None:
    """With n draws on each side the biased estimate is ((n - 1) unbiased + 2 k(0) - 2 mean cross similarity) / n."""
    n, repeats = 200, 60
    sides = torch.where(normals(repeats, n, 1, seed=4) > 0, 1.2, -1.2)
    x, y = sides + 0.3 * normals(repeats, n, 1, seed=5), normals(repeats, n, 1, seed=6)
    kernel = mmd.Gaussian(1.0)
    unbiased = torch.stack([mmd.squared(a, b, kernel=kernel, biased=False) for a, b in zip(x, y, strict=True)])
    biased = torch.stack([mmd.squared(a, b, kernel=kernel) for a, b in zip(x, y, strict=True)])
    assert (unbiased.mean() - MIXTURE_TO_PRIOR).abs() < 4.5 * unbiased.std() / math.sqrt(repeats)  # false alarm 3e-5
    expected = ((n - 1) * MIXTURE_TO_PRIOR + 2 - 2 * similarity(1.2, 1.09)) / n
    assert (biased.mean() - expected).abs() < 4.5 * biased.std() / math.sqrt(repeats)  # false alarm 3e-5


def test_two_samples_of_the_prior_stand_one_over_n_apart() -> None:
    """The biased mean is (1/n + 1/m) (1 - E k), the unbiased one 0."""
    repeats, n, m = 400, 40, 60
    x, y = normals(repeats, n, 1, seed=7), normals(repeats, m, 1, seed=8)
    for biased, expected in ((True, (1 / n + 1 / m) * (1 - similarity(0, 2))), (False, 0.0)):
        kernel = mmd.Gaussian(1.0)
        values = torch.stack([mmd.squared(a, b, kernel=kernel, biased=biased) for a, b in zip(x, y, strict=True)])
        assert (values.mean() - expected).abs() < 4.5 * values.std() / 20  # false alarm 1e-5 each
        assert bool((values < 0).any()) is not biased  # unbiased: negative in about half of the 400


def test_it_grows_with_a_shift_of_the_mean_as_the_closed_form_says() -> None:
    shifts = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    points = strata(400)
    values = [mmd.squared(points + shift, points, kernel=mmd.Gaussian(1.0)).item() for shift in shifts]
    assert values == sorted(values)
    assert values == pytest.approx([2 * similarity(0, 2) - 2 * similarity(shift, 2) for shift in shifts], abs=3e-3)


def test_the_default_kernel_is_that_of_the_infovae_authors() -> None:
    r2 = torch.tensor([0.0, 1.0, 9.0])
    torch.testing.assert_close(mmd.Gaussian()(r2, 3), torch.tensor([1.0, math.exp(-1 / 9), math.exp(-1)]))
    torch.testing.assert_close(mmd.Gaussian(2.0)(r2, 3), torch.tensor([1.0, math.exp(-1 / 8), math.exp(-9 / 8)]))
    half = mmd.InverseMultiquadratic(scales=(0.5, 1.5))(r2, 3)  # c = 3 and 9
    torch.testing.assert_close(half, torch.tensor([2.0, 3 / 4 + 9 / 10, 3 / 12 + 9 / 18]))


@pytest.mark.parametrize("biased", [True, False])
def test_shares_of_the_images_average_to_the_whole(biased: bool) -> None:
    x, y = normals(9, 2, seed=9), normals(7, 2, seed=10)
    shares = mmd.shares(x, y, biased=biased)
    assert shares.shape == (9,)
    torch.testing.assert_close(shares.mean(), mmd.squared(x, y, biased=biased))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(11))
    torch.testing.assert_close(mmd.shares(x[order], y, biased=biased), shares[order])


def test_descending_its_gradient_moves_the_codes_onto_the_prior() -> None:
    prior, kernel = strata(50), mmd.Gaussian(1.0)
    x = (0.2 * strata(50) + 1.5).requires_grad_()
    for _ in range(300):
        (gradient,) = torch.autograd.grad(mmd.squared(x, prior, kernel=kernel), x)
        x = (x - 20 * gradient).detach().requires_grad_()
    assert x.mean().abs() < 0.02
    assert (x.std() - prior.std()).abs() < 0.02


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradient_is_right_even_where_codes_coincide(kernel: mmd.Kernel) -> None:
    x = torch.cat([normals(3, 2, seed=12)] * 2).requires_grad_()
    y = x.detach()[:4].clone()
    assert torch.autograd.gradcheck(lambda codes: mmd.squared(codes, y, kernel=kernel), x)


def test_it_is_bounded_by_two_however_far_the_codes_run() -> None:
    """k <= 1 must hold although at 1e4 a squared distance in float32 is rounded to whole numbers, some below 0."""
    x, y = normals(64, 2, seed=15).float() + 1e4, normals(64, 2, seed=16).float()
    assert 0 <= mmd.squared(x, y) <= 2


def test_autocast_does_not_lower_its_precision() -> None:
    x, y = normals(64, 8, seed=13).float(), normals(64, 8, seed=14).float() + 0.2
    with torch.autocast("cpu", torch.bfloat16):
        lowered = mmd.squared(x, y)
    assert lowered.dtype == torch.float32
    assert lowered.item() == pytest.approx(mmd.squared(x.double(), y.double()).item(), abs=1e-6)
