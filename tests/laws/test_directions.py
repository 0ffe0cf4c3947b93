"""Editing along linear classifiers: facts.md 5.6, oracles 2 and 11."""

import pytest
import torch
from torch import Generator

from latelier.core import Code, Directions
from latelier.errors import Refusal
from latelier.objectives.directions import log_odds, moved, step_towards, steps_towards


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=torch.float32)


PLACES = Directions(
    ("smiling", "glasses"), {"a": normal(2, 3, 2, 2, seed=0), "b": normal(2, 5, seed=1)}, torch.tensor([0.5, -1.0])
)
CODE: Code = {"a": normal(4, 3, 2, 2, seed=2), "b": normal(4, 5, seed=3), "c": normal(4, 7, seed=4)}
LENGTH = (PLACES.weight["a"][0].square().sum() + PLACES.weight["b"][0].square().sum()).sqrt()


def test_a_move_by_delta_changes_the_log_odds_by_delta_times_the_weights_length() -> None:
    """And so the signed distance from the plane by delta, wherever the code was."""
    step = step_towards(PLACES, {"smiling": 1})
    assert sum(float(part.square().sum()) for part in step.values()) == pytest.approx(1)
    for delta in (3.0, -1.5):
        change = log_odds(PLACES, moved(CODE, step, delta)) - log_odds(PLACES, CODE)
        torch.testing.assert_close(change[:, 0], (delta * LENGTH).expand(4), rtol=1e-4, atol=1e-4)
    assert torch.equal(moved(CODE, step, 3.0)["c"], CODE["c"])  # of which the classifier reads nothing


def test_a_move_across_the_weight_leaves_the_log_odds() -> None:
    flat = torch.cat([PLACES.weight["a"][0].flatten(), PLACES.weight["b"][0]])
    any_way = normal(17, seed=5)
    across = any_way - (any_way @ flat) / flat.square().sum() * flat
    step = {"a": across[:12].view(3, 2, 2), "b": across[12:]}
    torch.testing.assert_close(log_odds(PLACES, moved(CODE, step, 4.0))[:, 0], log_odds(PLACES, CODE)[:, 0])


def test_adding_an_attribute_and_taking_it_away_gives_the_code_back() -> None:
    step, back = step_towards(PLACES, {"smiling": 1}), step_towards(PLACES, {"smiling": 0})
    for name, value in moved(moved(CODE, step, 3.0), back, 3.0).items():
        torch.testing.assert_close(value, CODE[name])


def test_several_attributes_move_along_the_normalised_sum_of_their_units() -> None:
    both = step_towards(PLACES, {"smiling": 1, "glasses": 0})
    one, other = (step_towards(PLACES, {name: 1}) for name in PLACES.names)
    whole = torch.cat([(one[name] - other[name]).flatten() for name in both])
    torch.testing.assert_close(torch.cat([part.flatten() for part in both.values()]), whole / whole.norm())


def test_each_code_may_have_its_own_wishes_and_distance() -> None:
    wishes, by = torch.tensor([[1], [0], [1], [0]]), torch.tensor([0.0, 1.0, 2.0, 3.0])
    after = moved(CODE, steps_towards(PLACES, ["glasses"], wishes), by)
    for row in range(4):
        expected = moved(CODE, step_towards(PLACES, {"glasses": int(wishes[row])}), float(by[row]))
        torch.testing.assert_close(after["a"][row], expected["a"][row])


def test_a_step_counts_in_the_codes_unit() -> None:
    step = step_towards(PLACES._replace(unit=0.25), {"glasses": 1})
    assert sum(float(part.square().sum()) for part in step.values()) == pytest.approx(0.25**2)


def test_unknown_attributes_and_those_that_cancel_are_refused() -> None:
    with pytest.raises(Refusal, match='no attribute "smilin" in this model; did you mean "smiling"'):
        step_towards(PLACES, {"smilin": 1})
    twice = Directions(("a", "b"), {"z": torch.ones(2, 3)}, torch.zeros(2))
    with pytest.raises(Refusal, match="a, b have no direction in this model's code, or cancel"):
        step_towards(twice, {"a": 1, "b": 0})


def test_log_odds_are_the_weights_times_the_code_and_the_bias() -> None:
    wanted = torch.stack(
        [
            sum(
                ((CODE[name] * weight[row]).flatten(1).sum(1) for name, weight in PLACES.weight.items()),
                PLACES.bias[row],
            )
            for row in range(2)
        ],
        1,
    )
    torch.testing.assert_close(log_odds(PLACES, CODE), wanted)


def test_a_direction_of_one_attribute_may_be_short_but_not_nothing() -> None:
    short = Directions(("a",), {"z": torch.ones(1, 3)}, torch.zeros(1), step={"z": torch.full((1, 3), 1e-4)})
    torch.testing.assert_close(step_towards(short, {"a": 1})["z"], torch.full((3,), 1e-4))
    with pytest.raises(Refusal, match="a have no direction in this model's code, or cancel; name others"):
        step_towards(short._replace(step={"z": torch.zeros(1, 3)}), {"a": 1})


def test_where_steps_are_given_edits_go_along_these_and_not_along_the_weights() -> None:
    steps = {"a": normal(2, 3, 2, 2, seed=6), "b": 3 * normal(2, 5, seed=7)}
    given = PLACES._replace(step=steps, unit=7.0)
    for row, name in enumerate(given.names):
        for wish in (1, 0):
            for latent, value in step_towards(given, {name: wish}).items():
                torch.testing.assert_close(value, (2 * wish - 1) * steps[latent][row])
    one, other = (torch.cat([part[row].flatten() for part in steps.values()]) for row in (0, 1))
    both = torch.cat([part.flatten() for part in step_towards(given, {"smiling": 1, "glasses": 0}).values()])
    usual = ((one.square().sum() + other.square().sum()) / 2).sqrt()
    torch.testing.assert_close(both, usual * (one - other) / (one - other).norm())
