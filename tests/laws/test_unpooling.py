"""Pooling and unpooling at drawn positions, and how positions are drawn (Pu et al. 2016, section 2)."""

import math
from itertools import product

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.nets.ascent import likeliest, soft
from latelier.nets.deconv import Downward, Layer
from latelier.nets.unpool import Positions, Tiling, largest, one_hot, pool, unpool
from latelier.objectives import categorical

WHOLE, OVER = Tiling(3, 21, 21), Tiling(4, 10, 6)  # the second's last blocks stand over the edge


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def drawn(tiling: Tiling, maps: int = 3, images: int = 2) -> tuple[Tensor, Tensor]:
    """A map, and positions drawn evenly, as weights."""
    map = torch.randn(images, maps, tiling.height, tiling.width, generator=seeded())
    even = tiling.masked(torch.zeros(maps, tiling.positions, images * tiling.cells)).log_softmax(1)
    return map, one_hot(categorical.draw(even, seeded(1)), tiling.positions)


tilings = pytest.mark.parametrize("tiling", [WHOLE, OVER])


@tilings
def test_joining_blocks_undoes_splitting(tiling: Tiling) -> None:
    map, _ = drawn(tiling)
    blocks = tiling.split(map)
    assert blocks.shape == (3, tiling.positions, 2 * tiling.cells)
    assert torch.equal(tiling.join(blocks), map)
    corner = map[1, 2, : tiling.side, : tiling.side].flatten()
    assert torch.equal(blocks[2, :, tiling.cells], corner)  # the second image's first block, row by row


@tilings
def test_unpooling_puts_back_what_pooling_kept_and_zeros_elsewhere(tiling: Tiling) -> None:
    map, weight = drawn(tiling)
    back = tiling.join(unpool(pool(tiling.split(map), weight), weight))
    kept = tiling.join(weight) > 0
    assert kept.sum() == 2 * 3 * tiling.cells  # no position was drawn outside the map
    assert torch.equal(back[kept], map[kept])
    assert (back[~kept] == 0).all()


@tilings
def test_pooling_finds_what_unpooling_placed(tiling: Tiling) -> None:
    _, weight = drawn(tiling)
    values = torch.randn(3, 2 * tiling.cells, generator=seeded(2))
    placed = tiling.join(unpool(values, weight))
    assert torch.equal(pool(tiling.split(placed), weight), values)
    assert torch.equal(tiling.flat(tiling.unflat(values)), values)


def test_pooling_by_the_largest_is_torchs_max_pooling() -> None:
    map, _ = drawn(OVER)
    blocks = OVER.split(map)
    found = OVER.unflat(pool(blocks, likeliest(0, OVER.masked(blocks))))
    assert torch.equal(found, functional.max_pool2d(map, 4, ceil_mode=True))


@tilings
def test_unpooling_into_corners_needs_no_zeros(tiling: Tiling) -> None:
    layers = [
        Layer(2, 3, 4, (tiling.height, tiling.width), tiling),
        Layer(3, 5, 1, (tiling.rows, tiling.columns), None),
    ]
    net = Downward(layers)
    code = torch.randn(2, 5 * tiling.cells, generator=seeded())
    corner = one_hot(torch.zeros(3, 2 * tiling.cells), tiling.positions)
    torch.testing.assert_close(net(code, None), net(code, [corner]))


def test_of_equal_values_the_first_is_the_largest() -> None:
    values = torch.randint(-2, 2, (3, 9, 50), generator=seeded()).float()
    assert torch.equal(largest(values).long(), values.argmax(1))
    assert torch.equal(largest(torch.full((1, 4, 2), -torch.inf)), torch.zeros(1, 2))


def test_sure_positions_are_the_largest_and_even_ones_cost_nothing() -> None:
    """eta = c x with c growing is max-pooling; constant eta is uniform, without divergence."""
    map, _ = drawn(WHOLE)
    blocks = WHOLE.split(map)
    sure = (1e4 * blocks).log_softmax(1)
    taken = one_hot(categorical.draw(sure, seeded()), 9)
    assert torch.equal(WHOLE.unflat(pool(blocks, taken)), functional.max_pool2d(map, 3))
    even = torch.zeros_like(blocks).log_softmax(1)
    cost = categorical.divergence(sure, even)
    torch.testing.assert_close(cost, torch.full(blocks[:, 0].shape, math.log(9)))
    torch.testing.assert_close(categorical.divergence(even, even), torch.zeros_like(cost), atol=1e-6, rtol=0)


def test_divergence_is_the_sum_over_positions() -> None:
    q, p = torch.rand(2, 4, 6, 5, dtype=torch.float64, generator=seeded()).softmax(2)
    twin = torch.zeros(4, 5, dtype=torch.float64)
    for c, m, n in product(range(4), range(6), range(5)):
        twin[c, n] += q[c, m, n] * math.log(q[c, m, n] / p[c, m, n])
    torch.testing.assert_close(categorical.divergence(q.log(), p.log()), twin)


def test_positions_outside_the_map_have_neither_chance_nor_cost() -> None:
    net = Positions(3, 5, OVER)
    log_q = net(OVER.split(torch.randn(2, 3, 10, 6, generator=seeded())))
    inside = OVER.inside(torch.device("cpu")).repeat(1, 2)
    assert (log_q.exp()[:, ~inside] == 0).all()
    kl = categorical.divergence(log_q, OVER.even(3, 2, torch.device("cpu")))
    assert kl.isfinite().all()
    assert (kl >= -1e-6).all()
    alone = inside.sum(0) == 1
    assert not alone.any() or (kl[:, alone].abs() < 1e-6).all()


def test_draws_have_their_chances() -> None:
    p = torch.tensor([0.0, 0.1, 0.0, 0.6, 0.3, 0.0])
    n = 100_000
    log_p = p.log().clamp(min=-1e9)[None, :, None].expand(1, 6, n)
    counts = categorical.draw(log_p, seeded()).flatten().bincount(minlength=6)
    assert counts[p == 0].sum() == 0
    # Five standard errors of a share: three of them pass but once in 600,000.
    assert ((counts / n - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_relaxed_draws_have_the_same_largest_and_sharpen() -> None:
    p, n = torch.tensor([0.1, 0.6, 0.3]), 100_000
    log_p = p.log()[None, :, None].expand(1, 3, n)
    for temperature in (0.1, 1.0):
        weight = soft(temperature, seeded())(0, log_p)
        torch.testing.assert_close(weight.sum(1), torch.ones(1, n))
        share = weight.argmax(1).flatten().bincount(minlength=3) / n
        assert ((share - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()
    assert categorical.relaxed(log_p, 0.01, seeded()).amax(1).mean() > 0.98


def test_a_relaxed_draw_that_is_sure_pools_like_a_hard_one() -> None:
    map, weight = drawn(WHOLE)
    blocks = WHOLE.split(map)
    log_q = (weight * 1e4).log_softmax(1)
    torch.testing.assert_close(pool(blocks, soft(1.0, seeded())(blocks, log_q)), pool(blocks, weight))
