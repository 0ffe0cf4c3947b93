"""What holds of the game between critic and coder, whatever the nets: facts.md 2.6, oracles 1-4, 10, 11, 13."""

import math

import pytest
import torch
from torch import Generator, Tensor

from latelier.objectives.game import conspired, fooled, judged, ordered, outdone, right, steepness


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def joint(*shape: int, seed: int) -> Tensor:
    """A distribution over this many outcomes, none of them near zero."""
    table = 0.1 + torch.rand(*shape, generator=generator(seed), dtype=torch.float64)
    return table / table.sum()


def kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p / q).log()).sum()


def js(p: Tensor, q: Tensor) -> Tensor:
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def test_a_critic_that_knows_nothing_costs_both_sides_two_bits_in_nats() -> None:
    zero = torch.zeros(3)
    for loss in (judged, conspired):
        torch.testing.assert_close(loss(zero, zero), torch.full((3,), 2 * math.log(2)))
    assert right(zero + 1e-3, zero - 1e-3).tolist() == [1, 1, 1]
    assert right(zero - 1, zero - 1).tolist() == [0.5] * 3


def test_the_best_critic_of_a_table_measures_jensen_and_shannon() -> None:
    q, p = joint(7, seed=0), joint(7, seed=1)
    best = (q / p).log()  # the logit of q / (q + p)

    def cost(logit: Tensor) -> float:
        data, drawn = judged(logit, torch.full_like(logit, -math.inf)), judged(torch.full_like(logit, math.inf), logit)
        return float((q * data + p * drawn).sum())

    assert -cost(best) == pytest.approx(float(2 * js(q, p)) - 2 * math.log(2))
    for seed in range(20):
        other = best + 0.3 * torch.randn(7, generator=generator(seed), dtype=torch.float64)
        assert cost(other) > cost(best)


def test_the_coders_loss_is_the_critics_with_the_sides_exchanged() -> None:
    data, drawn = torch.randn(2, 50, generator=generator())
    assert torch.equal(conspired(data, drawn), judged(drawn, data))
    torch.testing.assert_close(fooled(drawn), -drawn.sigmoid().log())
    rho_q, rho_p = data.sigmoid(), drawn.sigmoid()
    torch.testing.assert_close(judged(data, drawn), -rho_q.log() - (1 - rho_p).log())  # algorithm 1
    torch.testing.assert_close(conspired(data, drawn), -(1 - rho_q).log() - rho_p.log())


def test_a_critic_of_pairs_sees_differences_alone() -> None:
    data, drawn = torch.randn(2, 50, generator=generator())
    torch.testing.assert_close(outdone(data, data), torch.full((50,), math.log(2)))
    torch.testing.assert_close(outdone(data + 3, drawn + 3), outdone(data, drawn))
    torch.testing.assert_close(outdone(data, drawn) - outdone(drawn, data), drawn - data)  # log-odds of either order
    assert ordered(data + 9, drawn).tolist() == [1] * 50
    assert ordered(data, data).tolist() == [0.5] * 50


def test_exchanged_sides_turn_the_gradient_of_the_logit_around_at_the_start() -> None:
    logit = torch.zeros(4, requires_grad=True)
    one, other = (torch.autograd.grad(loss(logit, logit * 0).sum(), logit)[0] for loss in (judged, conspired))
    assert torch.equal(one, -other)
    assert (one != 0).all()


def test_steepness_is_the_squared_slope_and_can_be_lowered() -> None:
    weight = torch.tensor([3.0, -4.0], requires_grad=True)
    x, z = torch.randn(5, 2, generator=generator()), torch.randn(5, 2, generator=generator(1))
    slope = steepness(lambda x, z: x @ weight + 2 * z.sum(1), x, z)
    torch.testing.assert_close(slope, torch.full((5,), 25.0 + 8.0))
    torch.testing.assert_close(torch.autograd.grad(slope.mean(), weight)[0], 2 * weight.detach())
    with torch.no_grad():  # as in validation
        assert steepness(lambda x: x @ weight, x).shape == (5,)


def test_a_critic_that_does_not_decide_is_not_right() -> None:
    data, drawn = torch.tensor([1.0, 1.0, 0.0, -1.0, 0.0]), torch.tensor([-1.0, 1.0, -1.0, 1.0, 0.0])
    assert right(data, drawn).tolist() == [1, 0.5, 0.5, 0, 0]


def test_reconstruction_costs_at_least_what_the_codes_leave_open() -> None:
    """Proposition 2: E[-log p(x | z)] >= H_q(x | z), equal exactly where p(x | z) = q(x | z)."""
    q = joint(5, 4, seed=2)  # x, z
    given = q / q.sum(0)
    entropy = -(q * given.log()).sum()
    for seed in range(10):
        p = torch.rand(5, 4, generator=generator(seed), dtype=torch.float64)
        assert -(q * (p / p.sum(0)).log()).sum() > entropy
    assert -(q * given.log()).sum() == entropy


def test_no_part_of_a_joint_sample_diverges_more_than_the_whole() -> None:
    """Lemma 1, for the divergence that the game lowers."""
    for seed in range(10):
        q, p = joint(4, 3, 2, seed=seed), joint(4, 3, 2, seed=100 + seed)
        for kept in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2)):
            gone = [axis for axis in range(3) if axis not in kept]
            assert js(q.sum(gone), p.sum(gone)) <= js(q, p)
