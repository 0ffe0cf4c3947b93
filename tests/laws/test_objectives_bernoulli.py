"""Laws of the Bernoulli likelihood from logits."""

import itertools

import pytest
import torch

from latelier.objectives import bernoulli


def test_likelihood_from_logits_equals_the_naive_form() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(5, 1, 6, 7, generator=g, dtype=torch.float64)
    logits = 4 * torch.randn(5, 1, 6, 7, generator=g, dtype=torch.float64)
    p = logits.sigmoid()
    naive = (x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli.log_likelihood(x, logits), naive)


def test_extreme_logits_stay_finite_with_the_right_value_and_gradient() -> None:
    logits = torch.tensor([[100.0], [-100.0], [100.0], [-100.0]], requires_grad=True)
    x = torch.tensor([[1.0], [0.0], [0.0], [1.0]])
    likelihood = bernoulli.log_likelihood(x, logits)
    torch.testing.assert_close(likelihood, torch.tensor([0.0, 0.0, -100.0, -100.0]))
    (gradient,) = torch.autograd.grad(likelihood.sum(), logits)
    torch.testing.assert_close(gradient, x - logits.sigmoid())


def test_probabilities_of_all_binary_images_sum_to_one() -> None:
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=8)), dtype=torch.float64)
    logits = torch.linspace(-3, 2, 8, dtype=torch.float64)
    total = bernoulli.log_likelihood(images, logits.expand_as(images)).exp().sum()
    torch.testing.assert_close(total, torch.ones((), dtype=torch.float64))


def test_grey_pixels_are_likeliest_at_their_own_logit() -> None:
    x = torch.tensor([[0.2, 0.7]], dtype=torch.float64)
    logits = x.logit().requires_grad_()
    likelihood = bernoulli.log_likelihood(x, logits)
    (gradient,) = torch.autograd.grad(likelihood.sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(x), rtol=0, atol=1e-14)
    torch.testing.assert_close(likelihood[0], (x * x.log() + (1 - x) * (1 - x).log()).sum())


def test_samples_axis_and_reduced_precision() -> None:
    g = torch.Generator().manual_seed(1)
    x = torch.rand(4, 3, 16, 16, generator=g).round()
    logits = torch.randn(2, 4, 3, 16, 16, generator=g).bfloat16()
    each = torch.stack([bernoulli.log_likelihood(x.double(), sample.double()) for sample in logits])
    for autocast in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            both = bernoulli.log_likelihood(x.bfloat16(), logits, keep=2)
        assert both.dtype == torch.float32
        torch.testing.assert_close(both.double(), each, rtol=1e-5, atol=0)
    with pytest.raises(AssertionError, match="leading axes"):
        bernoulli.log_likelihood(x.flatten(1), logits)
