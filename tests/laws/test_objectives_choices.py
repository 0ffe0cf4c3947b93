"""Exclusive choices of an objective (penalties, corruptions, estimators), and the noise that draws are made of."""

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from latelier.core import Latent, Optimiser, Progress
from latelier.errors import Refusal
from latelier.models.vae import Diagonal
from latelier.objectives import categorical, energy, mmd, prior
from latelier.objectives.adversary import Image
from latelier.objectives.corruption import Additive, Masking, drop
from latelier.objectives.estimator import Exact, Relaxed, Score
from latelier.objectives.noise import uniform
from latelier.objectives.penalty import Capacity, Mmd


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_the_ends_of_a_range_are_in_it() -> None:
    assert [Masking(0.0).share, Masking(0.99).share, Additive(0.0).sd, Mmd(prior=2).prior] == [0, 0.99, 0, 2]
    assert (Score(1, 0.0).hidden, Score(1, 0.0).decay) == (1, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Masking(1.0), "corruption.share is a share from 0 to below 1, not 1.0"),
        (lambda: Masking(-0.1), "corruption.share is a share from 0 to below 1, not -0.1"),
        (lambda: Additive(-0.1), "corruption.sd is a standard deviation, at least 0, not -0.1"),
        (lambda: Mmd(prior=1), "penalty.prior is the number of prior draws, at least 2, not 1"),
        (lambda: Score(0), "estimator: hidden 0 must be 1 or more, and decay 0.8 from 0 to below 1"),
        (lambda: Score(decay=1.0), "estimator: hidden 100 must be 1 or more, and decay 1 from 0 to below 1"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(Refusal) as raised:
        wrong()
    assert str(raised.value) == said


def test_masking_sets_its_share_to_nothing_and_additive_noise_has_its_deviation() -> None:
    image = torch.ones(4, 1, 100, 100)
    masked = Masking(0.3)(image, seeded())
    assert masked.unique().tolist() == [0, 1]
    assert float(masked.mean()) == pytest.approx(0.7, abs=5 * (0.21 / 40_000) ** 0.5)
    noise = Additive(0.2)(image, seeded()) - image
    torch.testing.assert_close(noise, 0.2 * torch.randn(4, 1, 100, 100, generator=seeded()))


def test_dropout_of_a_share_takes_noise_and_of_none_takes_nothing() -> None:
    image, generator = torch.ones(5, 7), seeded()
    numbers = torch.rand(5, 7, generator=seeded())
    share = float(numbers[2, 3])  # one that is just not below the share
    assert torch.equal(drop(image, share, seeded()), (numbers >= share) / (1 - share))
    assert drop(image, 0.0, generator) is image
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_a_masked_value_is_one_whose_number_is_below_the_share() -> None:
    numbers = torch.rand(5, 7, generator=seeded())
    share = float(numbers[2, 3])
    assert torch.equal(Masking(share)(torch.ones(5, 7), seeded()), (numbers >= share).float())


def test_a_capacity_rises_to_its_nats_and_no_further() -> None:
    rate, penalty = torch.tensor([1.0, 30.0]), Capacity(weight=2.0, nats=20.0, over=100)
    for seen, target in ((0, 0.0), (50, 10.0), (100, 20.0), (300, 20.0)):
        found = penalty(rate, Diagonal(rate[:, None], rate[:, None]), rate[:, None], Progress(seen, 1000, seeded()))
        torch.testing.assert_close(found, 2 * (rate - target).abs())


def test_an_estimator_has_a_baseline_of_what_is_drawn() -> None:
    """The lowest pooling is not where its expectation is taken."""
    image = (1, 4, 6)
    assert Score().baseline(image, 0) is None
    for estimator, draws, guesses in ((Score(), 2, 2), (Exact(Score()), 3, 2), (Exact(Score()), 2, 1)):
        baseline = estimator.baseline(image, draws)
        assert baseline is not None
        assert baseline(torch.zeros(5, *image)).shape == (5, guesses)
    assert Exact(Score()).baseline(image, 1) is None
    assert Exact(Score()).baseline(image, 0) is None
    assert Exact(Relaxed()).baseline(image, 3) is None


@pytest.mark.parametrize(("training", "whole"), [(True, False), (False, True)])
def test_above_the_expectation_positions_are_relaxed_in_training_alone(training: bool, whole: bool) -> None:
    log_q = torch.zeros(1, 4, 50).log_softmax(1)
    weight = Exact().choice(Progress(0, 100, seeded()), training)(1, log_q)
    assert bool(((weight == 0) | (weight == 1)).all()) == whole


def test_a_critics_optimiser_is_the_one_it_was_given() -> None:
    own = Optimiser(rate=0.5)
    assert Image(optimiser=own).optimisers() == {"critic": own}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_uniform_noise_has_the_shape_and_precision_of_what_it_is_for(dtype: torch.dtype) -> None:
    like = torch.zeros(3, 4, 5, dtype=dtype)
    assert torch.equal(uniform(like, seeded()), torch.rand(3, 4, 5, generator=seeded(), dtype=dtype))
    assert torch.equal(uniform(like, seeded(), same=True), torch.rand(4, 5, generator=seeded(), dtype=dtype))


def test_codes_of_a_prior_are_normal_or_uniform_from_minus_one_to_one() -> None:
    latents = {"z": Latent((2, 3), "gaussian"), "c": Latent((4,), "uniform")}
    code, again = prior.drawn(latents, 5, seeded(), torch.device("cpu")), seeded()
    assert list(code) == ["z", "c"]
    assert torch.equal(code["z"], torch.randn(5, 2, 3, generator=again))
    assert torch.equal(code["c"], torch.empty(5, 4).uniform_(-1, 1, generator=again))
    with pytest.raises(ValueError, match=r"^the prior of a categorical latent \(y\) is its model's own$"):
        prior.drawn({"y": Latent((10,), "categorical")}, 5, seeded(), torch.device("cpu"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("short", [1.0, 0.5])
def test_a_position_is_where_its_number_falls_into_the_distribution_function(dtype: torch.dtype, short: float) -> None:
    """Also where rounding has left the chances short of one."""
    p = torch.rand(2, 4, 6, generator=seeded(1), dtype=dtype).softmax(1)
    number = torch.rand(2, 1, 6, generator=seeded(), dtype=dtype)
    assert torch.equal(categorical.draw((p * short).log(), seeded()), (p.cumsum(1) <= number).sum(1))


def test_a_position_without_chance_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.zeros(shape))  # the least that there is
    log_p = torch.tensor([0.0, 0.0, 0.4, 0.6]).log()[None, :, None]
    assert categorical.draw(log_p, seeded()).tolist() == [[2]]


def test_relaxed_positions_share_their_noise_where_they_are_asked_to() -> None:
    log_p = torch.zeros(2, 4, 6).log_softmax(1)
    one, other = categorical.relaxed(log_p, 0.5, seeded(), same=True)
    assert torch.equal(one, other)
    one, other = categorical.relaxed(log_p, 0.5, seeded())
    assert not torch.equal(one, other)


def samples() -> Tensor:
    return torch.randn(2, 5, 3, generator=seeded(), dtype=torch.float64)


def test_each_point_has_its_own_share_of_the_energy_distance() -> None:
    x, y = samples()
    wanted = [
        2 * (x[i] - y).norm(dim=1).mean() - sum((side[i] - side).norm(dim=1).sum() / 4 for side in (x, y))
        for i in range(5)
    ]
    torch.testing.assert_close(energy.shares(x, y), torch.stack(wanted))


def test_each_code_has_its_own_share_of_the_mmd() -> None:
    x, y = samples()

    def alike(a: Tensor, b: Tensor) -> Tensor:
        return (-(a - b).square().sum(-1) / 9).exp()

    wanted = [alike(x[i], x).mean() - 2 * alike(x[i], y).mean() + alike(y[:, None], y).mean() for i in range(5)]
    torch.testing.assert_close(mmd.shares(x, y), torch.stack(wanted))
