"""The score-function gradient of a drawn position: exact by enumeration, unbiased, less noisy with a baseline."""

import pytest
import torch
from torch import Generator, Tensor

from latelier.objectives.score_function import Baseline, Standardiser, surrogate

LOGITS = torch.tensor([0.3, -0.2, 0.9, 0.1], dtype=torch.float64)  # a block of 2 x 2
COST = torch.tensor([5.0, 9.0, 7.0, 12.0], dtype=torch.float64)


def exact() -> Tensor:
    """Of E[cost] in the logits: p (R - E R)."""
    p = LOGITS.softmax(0)
    return p * (COST - (p * COST).sum())


def estimates(signal: Tensor) -> Tensor:
    """What the surrogate's gradient is for each of the four outcomes, [4, 4]."""
    found = []
    for z in range(4):
        logits = LOGITS.clone().requires_grad_()
        log_q = logits.log_softmax(0)[z].view(1, 1)
        value = surrogate(signal[z].view(1, 1), log_q).sum()
        assert value == 0
        found.append(torch.autograd.grad(value, logits)[0])
    return torch.stack(found)


def test_enumerated_gradient_is_autograds() -> None:
    logits = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((logits.softmax(0) * COST).sum(), logits)
    torch.testing.assert_close(gradient, exact())


@pytest.mark.parametrize("baseline", [0.0, 7.0, -40.0])
def test_unbiased_for_any_baseline(baseline: float) -> None:
    mean = (LOGITS.softmax(0)[:, None] * estimates(COST - baseline)).sum(0)
    torch.testing.assert_close(mean, exact())


def test_a_mean_as_baseline_takes_most_of_the_variance() -> None:
    p = LOGITS.softmax(0)

    def variance(baseline: float) -> float:
        return float((p[:, None] * (estimates(COST - baseline) - exact()).square()).sum())

    assert variance(float((p * COST).sum())) < variance(0.0) / 10


def standardised(standardise: Standardiser, cost: Tensor, guess: float = 0.0) -> Tensor:
    return standardise(cost, torch.full_like(cost, guess), standardise.standing())[0]


def test_the_standardiser_takes_mean_and_deviation_off() -> None:
    standardise, generator = Standardiser(1, decay=0.8).train(), Generator().manual_seed(0)
    for _ in range(60):
        signal = standardised(standardise, 500 + 30 * torch.randn(256, 1, generator=generator))
    # Standard errors are .06 and .04; five of them.
    assert abs(float(signal.mean())) < 0.3
    assert abs(float(signal.std()) - 1) < 0.2
    small = Standardiser(1, decay=0.8).train()
    for _ in range(60):
        signal = standardised(small, 0.1 * torch.randn(256, 1, generator=generator))
    assert signal.std() < 0.15  # deviations under 1 are not blown up


def test_a_guess_that_is_off_does_not_run_away() -> None:
    standardise, generator = Standardiser(1, decay=0.8).train(), Generator().manual_seed(0)
    for _ in range(300):
        signal = standardised(standardise, 500 + 30 * torch.randn(64, 1, generator=generator), guess=-14.0)
    assert signal.abs().max() < 2
    assert standardise.variance < 2_000


def test_a_batch_moves_the_statistics_once_however_often_it_is_asked() -> None:
    standardise, none = Standardiser(2, decay=0.5).train(), torch.zeros(2, 2)
    cost = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    standardise(cost, none, standardise.standing())
    before = standardise.standing()
    standardise(cost + 1, none, before)
    once = standardise.standing()
    standardise(cost + 1, none, before)
    assert all(torch.equal(a, b) for a, b in zip(once, standardise.standing(), strict=True))
    torch.testing.assert_close(once.mean, torch.tensor([2.5, 20.5]))
    standardise.eval()(cost * 9, none, once)
    assert torch.equal(standardise.mean, once.mean)


def test_the_first_batch_is_standardised_by_itself_each_draw_by_its_own() -> None:
    """A deviation of 3, and one of 1.5 that the guess leaves twice of; the second batch goes by the first's."""
    standardise = Standardiser(2, decay=0.5).train()
    cost, guess = torch.tensor([[1.0, 2.0], [7.0, 5.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    signal, rest = standardise(cost, guess, standardise.standing())
    torch.testing.assert_close(rest, torch.tensor([[-1.0, -2.0], [1.0, 0.0]]))
    torch.testing.assert_close(signal, torch.tensor([[-1.0, -2 / 2**0.5], [1.0, 0.0]]))
    after = standardise.standing()
    torch.testing.assert_close(torch.stack(after[:3]), torch.tensor([[4.0, 3.5], [9.0, 2.25], [1.0, 2.0]]))
    _, rest = standardise(cost + 3, torch.zeros(2, 2), after)
    torch.testing.assert_close(rest, torch.tensor([[0.0, 1.0], [2.0, 3.0]]))


def test_a_baseline_sees_every_pixel_of_an_image_of_any_shape() -> None:
    assert Baseline((2, 3, 5), 4, 1, 0.8)(torch.zeros(7, 2, 3, 5)).shape == (7, 1)


def test_a_baseline_learns_what_images_tell_of_the_cost() -> None:
    torch.manual_seed(0)
    baseline, generator = Baseline((1, 4, 4), 20, 1, 0.8).train(), Generator().manual_seed(0)
    optimiser, left = torch.optim.Adam(baseline.parameters(), 3e-3), []
    for _ in range(300):
        image = torch.rand(64, 1, 4, 4, generator=generator)
        cost = 300 + 400 * image.mean((1, 2, 3))[:, None] + torch.randn(64, 1, generator=generator)
        _, rest = baseline.standardise(cost, baseline(image), baseline.standardise.standing())
        optimiser.zero_grad()
        rest.square().mean().backward()
        optimiser.step()
        left.append(float(rest.detach().square().mean()))
    assert sum(left[-20:]) < sum(left[:20]) / 5
