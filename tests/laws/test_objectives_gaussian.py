"""Laws of the Gaussian terms: divergence, density, and the two ways to differentiate an expectation."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from latelier.errors import Refusal
from latelier.objectives import gaussian, noise
from latelier.objectives.likelihood import GREY, Calibrated

CASES = [(0.0, 0.0), (1.3, -0.7), (-2.0, 1.1), (0.4, -3.0), (3.0, 0.5)]  # (mean, log-variance)


def numbers(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def hermite(mean: float, log_variance: float, nodes: int = 60) -> tuple[Tensor, Tensor]:
    """Gauss-Hermite nodes and weights of N(mean, variance): exact for polynomials below degree 2 * nodes."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return mean + math.exp(0.5 * log_variance) * torch.from_numpy(node), torch.from_numpy(weight / weight.sum())


@pytest.mark.parametrize(("mean", "log_variance"), CASES)
def test_divergence_is_the_expected_log_ratio_by_quadrature(mean: float, log_variance: float) -> None:
    z, weight = hermite(mean, log_variance)
    m, v = numbers([mean]), numbers([log_variance])
    ratio = gaussian.log_density(z[:, None], m, v) - gaussian.log_standard(z[:, None])
    torch.testing.assert_close((weight * ratio).sum(), gaussian.kl_to_standard(m, v)[0], rtol=0, atol=1e-11)


@pytest.mark.parametrize(("mean", "log_variance"), CASES)
def test_divergence_is_the_expected_log_ratio_by_sampling(mean: float, log_variance: float) -> None:
    m, v = numbers([mean]), numbers([log_variance])
    z = gaussian.sample(m.expand(40_000, 1), v, torch.Generator().manual_seed(0))
    ratio = gaussian.log_density(z, m, v) - gaussian.log_standard(z)
    error = (ratio.mean() - gaussian.kl_to_standard(m, v)[0]).abs()
    assert error <= 4.5 * ratio.std() / 200 + 1e-12  # false alarm: 7e-6 a case; the prior itself has no spread


def test_divergence_is_zero_at_the_prior_and_only_there() -> None:
    grid = torch.cartesian_prod(torch.linspace(-3, 3, 61), torch.linspace(-6, 4, 101))
    kl = gaussian.kl_to_standard(grid[:, 0], grid[:, 1])
    prior = grid.abs().sum(1) < 1e-5
    assert prior.sum() == 1
    assert kl[prior].abs().item() < 1e-12
    assert kl[~prior].min() > 1e-3


def test_divergence_keeps_its_digits_for_a_nearly_collapsed_latent() -> None:
    v = torch.tensor([1e-2, -1e-2, 1e-3, -1e-3])
    exact = gaussian.kl_to_standard(torch.zeros(4, dtype=torch.float64), v.double())
    torch.testing.assert_close(gaussian.kl_to_standard(torch.zeros(4), v).double(), exact, rtol=2e-3, atol=0)


def test_density_is_normalised_and_has_its_moments() -> None:
    x = torch.linspace(-12, 12, 6001, dtype=torch.float64)[:, None]
    density = gaussian.log_density(x, numbers([0.7]), numbers([0.9])).exp() * (x[1, 0] - x[0, 0])
    mean = (density * x[:, 0]).sum()
    variance = (density * (x[:, 0] - mean).square()).sum()
    torch.testing.assert_close(torch.stack([density.sum(), mean, variance]), numbers([1, 0.7, math.exp(0.9)]))


def test_density_agrees_with_torch_in_every_shape_a_caller_uses() -> None:
    g = torch.Generator().manual_seed(1)
    image, means = (torch.randn(shape, generator=g) for shape in ((4, 3, 5, 6), (2, 4, 3, 5, 6)))
    several = (torch.randn(shape, generator=g) for shape in ((6,), (3, 1, 1), (4, 3, 5, 6)))
    for log_variance in (torch.tensor(-0.8), *several):
        reference = torch.distributions.Normal(means, (0.5 * log_variance).exp())
        torch.testing.assert_close(
            gaussian.log_density(image, means, log_variance, keep=2), reference.log_prob(image).sum((2, 3, 4))
        )
        torch.testing.assert_close(
            gaussian.log_density(image, means[0], log_variance),
            torch.distributions.Normal(means[0], (0.5 * log_variance).exp()).log_prob(image).sum((1, 2, 3)),
        )


def test_density_refuses_shapes_that_would_broadcast_to_a_wrong_sum() -> None:
    with pytest.raises(AssertionError, match="leading axes"):
        gaussian.log_density(torch.zeros(4, 1), torch.zeros(4), torch.tensor(0.0))


def test_samples_have_the_moments_and_depend_on_the_generator_alone() -> None:
    mean, log_variance = numbers([2.0, -1.0]), numbers([math.log(0.25), math.log(4.0)])
    z = gaussian.sample(mean.expand(40_000, 2), log_variance, torch.Generator().manual_seed(3))
    error = (z.mean(0) - mean).abs() / (0.5 * log_variance).exp() * 200
    spread = (z.var(0) / log_variance.exp() - 1).abs() * 200 / math.sqrt(2)
    assert torch.cat([error, spread]).max() < 4.5  # false alarm: 3e-5 for the four
    torch.manual_seed(99)
    again = gaussian.sample(mean.expand(40_000, 2), log_variance, torch.Generator().manual_seed(3))
    assert torch.equal(z, again)


def test_noise_has_the_type_of_what_it_is_added_to() -> None:
    for dtype in (torch.float32, torch.float64):
        drawn = [draw(numbers([0.0]).to(dtype), torch.Generator()) for draw in (noise.normal, noise.uniform)]
        assert [one.dtype for one in drawn] == [dtype] * 2


def test_reparameterised_and_score_function_gradients_agree() -> None:
    """E z^2 = m^2 + e^v under N(m, e^v): the gradient is (2m, e^v). The score-function form is summed exactly, the
    reparameterised one drawn."""
    m, v = numbers([0.8]).requires_grad_(), numbers([-0.4]).requires_grad_()
    exact = numbers([1.6, math.exp(-0.4)])

    z, weight = hermite(0.8, -0.4)
    surrogate = (weight * z.square() * gaussian.log_density(z[:, None], m, v)).sum()
    score = torch.cat(torch.autograd.grad(surrogate, (m, v)))
    torch.testing.assert_close(score, exact, rtol=0, atol=1e-11)

    many = [parameter.detach().expand(40_000).clone().requires_grad_() for parameter in (m, v)]
    drawn = gaussian.sample(many[0], many[1], torch.Generator().manual_seed(5))
    each = torch.stack(torch.autograd.grad(drawn.square().sum(), many))  # one gradient a draw
    assert ((each.mean(1) - exact).abs() < 4.5 * each.std(1) / 200).all()  # false alarm: 1.4e-5 for the two


def test_reduced_precision_is_widened_at_the_door_and_float64_is_kept() -> None:
    g = torch.Generator().manual_seed(7)
    x, mean = torch.randn(2, 8, 3000, generator=g).bfloat16()
    for dtype, wide in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        arguments = (x.to(dtype), mean.to(dtype), torch.tensor(-1.0, dtype=dtype))
        with torch.autocast("cpu", torch.bfloat16):
            density = gaussian.log_density(*arguments)
        assert density.dtype == wide
        exact = gaussian.log_density(x.double(), mean.double(), numbers([-1.0]))
        torch.testing.assert_close(density.double(), exact, rtol=1e-5, atol=0)  # sums in bfloat16 would be off by 1e-2
        assert gaussian.kl_to_standard(mean.to(dtype), arguments[2]).dtype == wide
        assert gaussian.sample(mean.to(dtype), arguments[2], g).dtype == wide


def of_noise(sd: float) -> tuple[Tensor, Tensor]:
    """Grey images [4, 1, 8, 8] and outputs, counted from mid-grey, that err by noise."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(4, 1, 8, 8, generator=generator)
    return image, image - GREY + sd * torch.randn(image.shape, generator=generator)


def test_a_calibrated_sigma_is_the_root_of_the_mean_squared_error() -> None:
    image, output = of_noise(0.1)
    pixels = Calibrated(sigma=0.3, floor=0.05).build().train()
    torch.testing.assert_close(pixels.log_variance().exp(), torch.tensor(0.09))
    beyond = torch.arange(4.0)
    pixels.expected(image, output, beyond)  # what the batch shows counts from the next one on
    error = (output + GREY - image).square().flatten(1).sum(1) + beyond
    torch.testing.assert_close(pixels.log_variance().exp(), error.mean() / 64)
    pixels.eval()
    found = pixels.expected(image, output, beyond)
    torch.testing.assert_close(pixels.log_variance().exp(), error.mean() / 64)
    torch.testing.assert_close(found, pixels.distortion(image, output) + 0.5 * beyond / pixels.log_variance().exp())
    others = [
        gaussian.log_density(image, output + GREY, pixels.log_variance() + off)
        - 0.5 * beyond / (error.mean() / 64) / (torch.tensor(off).exp())
        for off in (-0.1, 0.1)
    ]
    assert all(found.mean() < -one.mean() for one in others)  # no other variance has a larger bound


def test_a_calibrated_sigma_ends_at_its_floor() -> None:
    pixels = Calibrated(sigma=0.3, floor=0.05).build().train()
    pixels.distortion(*of_noise(0.001))
    torch.testing.assert_close(pixels.log_variance().exp(), torch.tensor(0.0025))
    with pytest.raises(Refusal, match="0 < floor < sigma"):
        Calibrated(sigma=0.05, floor=0.05)


def test_rows_that_share_noise_differ_in_nothing_else() -> None:
    mean, log_variance = torch.zeros(3, 5), torch.zeros(3, 5)
    same = gaussian.sample(mean, log_variance, torch.Generator().manual_seed(0), same=True)
    assert torch.equal(same, same[:1].expand(3, 5))
    own = gaussian.sample(mean[:1], log_variance[:1], torch.Generator().manual_seed(0))
    assert torch.equal(same[1:2], own)
