"""Orders: permutations of any number of rows, uniform as far as tests of 10^5 places can tell, and each epoch's its
own. Every statistical test here has a false alarm once in a million sets of seeds; the seeds are fixed."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from latelier.data import order
from latelier.data.order import Order, permuted
from latelier.data.seeds import mix

ALARM = 1e-6  # probability of a false alarm
LARGE = [order.HELD + 1, 2**23, 10**7, 2**32 - 1, 2**32 + 3]


def places(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


def uniform(cells: np.ndarray, number: int) -> bool:
    """Whether cells 0 to number - 1 are equally common, by Pearson's test."""
    counts = np.bincount(cells.astype(np.int64), minlength=number)
    expected = len(cells) / number
    return bool(chi2.sf(((counts - expected) ** 2 / expected).sum(), number - 1) > ALARM)


@settings(max_examples=200, deadline=None)
@given(count=st.integers(1, 5000), seed=st.integers(0, 2**63 - 1))
def test_the_network_permutes_any_number_of_rows(count: int, seed: int) -> None:
    assert sorted(permuted(places(count), count, seed).tolist()) == list(range(count))


@pytest.mark.parametrize("count", [order.HELD, order.HELD + 1, 3 * order.HELD - 1])
def test_the_network_permutes_many_rows(count: int) -> None:
    assert (np.bincount(permuted(places(count), count, 1).astype(np.int64), minlength=count) == 1).all()


@settings(max_examples=50, deadline=None)
@given(count=st.integers(2**20, 2**62), seed=st.integers(0, 2**63 - 1), data=st.data())
def test_places_lead_to_rows_whoever_is_asked_beside_them(count: int, seed: int, data: st.DataObject) -> None:
    asked = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=9, unique=True)), np.uint64)
    found = permuted(asked, count, seed)
    assert len(np.unique(found)) == len(asked)
    assert int(found.max()) < count
    assert [int(permuted(asked[i : i + 1], count, seed)[0]) for i in range(len(asked))] == found.tolist()


@pytest.mark.parametrize("count", LARGE)
def test_rows_are_drawn_uniformly(count: int) -> None:
    first = permuted(places(200_000), count, mix(1, count))
    assert uniform(first * np.uint64(1000) // np.uint64(count), 1000)
    assert uniform(first[1:] % np.uint64(16) * np.uint64(16) + first[:-1] % np.uint64(16), 256)  # neighbours, low bits
    step = (first[1:].astype(np.int64) - first[:-1].astype(np.int64)) % count
    assert uniform(step * 100 // count, 100)


@pytest.mark.parametrize("count", LARGE)
def test_epochs_do_not_tell_of_each_other(count: int) -> None:
    """Neither do seeds that are neighbours: where two epochs put a row is uniform on a grid of 30 by 30."""
    one, two = (permuted(places(200_000), count, mix(5, epoch)).astype(np.int64) for epoch in (0, 1))
    assert uniform(one * 30 // count * 30 + two * 30 // count, 900)
    correlation = np.corrcoef(one, two)[0, 1] * np.sqrt(len(one))
    assert abs(correlation) < 4.9  # standard deviations: once in a million


@pytest.mark.parametrize("place", [0, 1, order.HELD])
def test_every_row_comes_first_equally_often_over_seeds(place: int) -> None:
    count = order.HELD + 1
    found = [int(permuted(np.array([place], np.uint64), count, mix(7, seed))[0]) for seed in range(5000)]
    assert uniform(np.array(found) * 50 // count, 50)


def test_few_rows_keep_the_order_that_they_had() -> None:
    """Runs that were begun before go on in it."""
    rows = torch.arange(10, 60)
    expected = rows[torch.randperm(50, generator=torch.Generator().manual_seed(mix(3, 2)))]
    assert torch.equal(Order(rows, 3).at(100, 50), expected)
    assert torch.equal(Order(50, 3).at(100, 50), expected - 10)


@pytest.mark.parametrize("rows", [2**20 + 70_001, torch.arange(2**20 + 70_001).flip(0)])
def test_many_rows_are_walked_through_without_end(rows: torch.Tensor | int) -> None:
    walk, count = Order(rows, 3), 2**20 + 70_001
    epoch = torch.cat([walk.at(start, min(50_021, count - start)) for start in range(0, count, 50_021)])
    assert (torch.bincount(epoch, minlength=count) == 1).all()
    assert torch.equal(Order(rows, 3).at(70_000, 9), epoch[70_000:70_009])  # from anywhere, over no block before
    over = Order(rows, 3).at(count - 5, 10)
    assert torch.equal(over[:5], epoch[-5:])
    assert torch.equal(over[5:], walk.at(count, 5))
    assert len(torch.unique(over)) > 5


def test_no_array_of_all_rows_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "randperm", None)
    walk = Order(10**15, 1)
    assert len(walk.at(10**15 * 7 + 123, 64)) == 64
