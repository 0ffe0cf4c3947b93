"""Relaxed Bernoulli draws and their divergence, against closed forms."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator

from latelier.core import Progress
from latelier.errors import Refusal
from latelier.objectives import relaxed

DRAWS = 200_000


def drawn(logit: float, temperature: float) -> torch.Tensor:
    logits = torch.full((DRAWS,), logit)
    return relaxed.sample(logits, temperature, Generator().manual_seed(0))


@pytest.mark.parametrize("temperature", [2.0, 1.0, 0.5, 0.1])
def test_a_draw_exceeds_one_half_as_often_at_every_temperature(temperature: float) -> None:
    p = 1 / (1 + math.exp(1.3))  # .2142
    share = float((drawn(-1.3, temperature) > 0.5).float().mean())
    assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / DRAWS)  # passes by chance but once in 1.7 million


def test_the_mean_at_temperature_one_has_a_closed_form() -> None:
    a = math.exp(-1.3)
    expected = a * (a - 1 - math.log(a)) / (a - 1) ** 2
    assert expected == pytest.approx(0.29484, abs=1e-5)
    z = drawn(-1.3, 1.0)
    assert abs(float(z.mean()) - expected) < 5 * float(z.std()) / math.sqrt(DRAWS)


def test_a_cold_draw_is_a_coin_and_is_finite() -> None:
    z = drawn(-1.3, 1e-3)
    assert ((z < 1e-3) | (z > 1 - 1e-3)).float().mean() > 0.99
    logits = torch.tensor([-200.0, 200.0], requires_grad=True)
    z = relaxed.sample(logits, 0.1, Generator().manual_seed(0))
    z.sum().backward()
    assert z.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_hard_draws_are_coins() -> None:
    z = relaxed.hard(torch.full((DRAWS,), -1.3), Generator().manual_seed(0))
    assert set(z.unique().tolist()) == {0.0, 1.0}
    assert abs(float(z.mean()) - 0.2142) < 5 * math.sqrt(0.2142 * 0.7858 / DRAWS)


@pytest.mark.parametrize(("p", "nats"), [(0.5, 0.72542), (1e-12, 0.06454), (1 - 1e-7, 2.77259), (1 / 16, 0.0)])
def test_divergence_from_one_in_sixteen(p: float, nats: float) -> None:
    logit = torch.tensor(math.log(p) - math.log1p(-p), dtype=torch.float64)
    assert float(relaxed.kl_to(1 / 16, logit)) == pytest.approx(nats, abs=2e-5)


def test_divergence_of_a_map_at_one_half() -> None:
    assert float(relaxed.kl_to(1 / 16, torch.zeros(256)).sum()) == pytest.approx(185.71, abs=5e-3)


def test_divergence_is_the_mean_log_ratio() -> None:
    logit, prior = torch.tensor(0.4), 0.2
    p = logit.sigmoid()
    ratio = {1.0: (p / prior).log(), 0.0: ((1 - p) / (1 - prior)).log()}
    z = relaxed.hard(logit.expand(DRAWS), Generator().manual_seed(0))
    values = torch.where(z == 1, ratio[1.0], ratio[0.0])
    error = 5 * float(values.std()) / math.sqrt(DRAWS)
    assert abs(float(values.mean()) - float(relaxed.kl_to(prior, logit))) < error


def test_a_sure_occurrence_costs_finite_nats_with_a_finite_gradient() -> None:
    logits = torch.tensor([-90.0, 90.0], requires_grad=True)
    cost = relaxed.kl_to(1 / 16, logits)
    cost.sum().backward()
    assert cost.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    "draw", [relaxed.hard, lambda *given, **options: relaxed.sample(given[0], 0.5, *given[1:], **options)]
)
def test_rows_share_their_noise_where_they_are_asked_to(draw: Callable[..., torch.Tensor]) -> None:
    logits = torch.zeros(2, 64)
    one, other = draw(logits, Generator().manual_seed(0), same=True)
    assert torch.equal(one, other)
    one, other = draw(logits, Generator().manual_seed(0))
    assert not torch.equal(one, other)


def test_noise_is_finite_and_even_at_both_ends_of_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of float32 the uniform numbers end at 0 and at 1 - 2^-24."""
    monkeypatch.setattr(relaxed, "uniform", lambda *_: torch.tensor([0.0, 1 - 2**-24]))
    low, high = relaxed.sample(torch.zeros(2, dtype=torch.float32), 4.0, Generator()).double().logit() * 4
    assert float(low) == pytest.approx(math.log(2**-23), rel=1e-3)
    assert float(high) == pytest.approx(-float(low), rel=1e-3)
    never = torch.tensor([-200.0, -200.0])  # whose sigmoid is 0 in float32
    assert relaxed.hard(never, Generator()).tolist() == [0, 0]


def test_divergence_keeps_the_precision_of_its_logits() -> None:
    p, q = 1 / (1 + math.exp(-0.4)), 0.2
    nats = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert float(relaxed.kl_to(q, torch.tensor(0.4, dtype=torch.float64))) == pytest.approx(nats, rel=1e-14)


def test_a_temperature_falls_to_its_floor_and_a_floor_of_nothing_is_refused() -> None:
    for wrong in ({"floor": 0.0}, {"floor": 1.1}, {"anneal": -1e-9}):
        with pytest.raises(Refusal, match="0 < floor <= start and anneal >= 0 are needed"):
            relaxed.Temperature(**wrong)
    still = relaxed.Temperature(start=0.5, anneal=0.0, floor=0.5)
    assert still.at(Progress(10**9, 10**9, Generator())) == 0.5
    falling = relaxed.Temperature(anneal=0.1)
    assert falling.at(Progress(1280, 10**9, Generator())) == pytest.approx(math.exp(-1))
    assert falling.at(Progress(10**6, 10**9, Generator())) == 0.1
