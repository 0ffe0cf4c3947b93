"""The order of a stream: every image once an epoch, over all parts, from any position."""

import numpy as np
import pytest

from latelier.data.streaming.order import GROUP, RUN, Order, Window, window_size


def walked(order: Order, epochs: int) -> list[list[tuple[int, int]]]:
    """The images of some epochs of one part, each in the order in which they are seen."""
    seen: list[list[tuple[int, int]]] = [[] for _ in range(epochs)]
    window, _ = order.find(0)
    while window.epoch < epochs:
        rows, places = order.rows(window)
        seen[window.epoch] += [(int(shard), int(image)) for shard, image in rows[places]]
        window = order.after(window)
    return seen


COUNTS = {
    "alike": [100] * 6,
    "unlike": [0, 300, 7, 1, 130, 64, 63, 65, 200],
    "fewer than parts": [50, 11],
    "one": [500],
}


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
def test_each_epoch_of_all_parts_holds_every_image_once(counts: list[int], parts: int) -> None:
    orders = [Order(np.array(counts), part, parts, seed=5, window=90) for part in range(parts)]
    everything = sorted((shard, image) for shard, n in enumerate(counts) for image in range(n))
    by_part = [walked(order, 3) for order in orders]
    for epoch in range(3):
        assert sorted(image for part in by_part for image in part[epoch]) == everything
    whole = [[image for part in by_part for image in part[epoch]] for epoch in range(3)]
    assert whole[0] != whole[1] != whole[2]


@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
def test_a_position_is_found_without_what_came_before(counts: list[int]) -> None:
    order = Order(np.array(counts), 1, 2, seed=5, window=90)
    flat = [image for epoch in walked(order, 3) for image in epoch]
    fresh = Order(np.array(counts), 1, 2, seed=5, window=90)
    for position in range(len(flat) - 1, -1, -7):
        window, place = fresh.find(position)
        rows, places = fresh.rows(window)
        assert tuple(rows[places][place].tolist()) == flat[position]


def test_seeds_and_parts_have_orders_of_their_own() -> None:
    counts = np.array([100] * 8)
    one = walked(Order(counts, 0, 2, seed=1), 1)
    assert one == walked(Order(counts, 0, 2, seed=1), 1)
    assert one != walked(Order(counts, 0, 2, seed=2), 1)
    assert not set(one[0]) & set(walked(Order(counts, 1, 2, seed=1), 1)[0])


def test_an_image_is_as_likely_early_as_late() -> None:
    """Over 400 seeds the mean place of an image is that of a uniform one, within five of its standard errors: for one
    of 64 images a false alarm has a chance of 4e-5."""
    counts, seeds = np.array([16] * 4), 400
    places = np.zeros((4, 16))
    for seed in range(seeds):
        for place, (shard, image) in enumerate(walked(Order(counts, 0, 1, seed, window=32), 1)[0]):
            places[shard, image] += place / seeds
    error = 64 / np.sqrt(12 * seeds)
    assert abs(places - 31.5).max() < 5 * error
    assert places.std() > 0


def test_a_window_mixes_shards() -> None:
    order = Order(np.array([1000] * 8), 0, 1, seed=0, window=512)
    rows, _ = order.rows(Window(0, 0, 0))
    assert len(set(rows[:, 0].tolist())) == GROUP
    runs = np.flatnonzero(np.diff(rows[:, 1]) != 1) + 1
    assert max(np.diff([0, *runs, len(rows)])) <= 2 * RUN  # read in pieces, not image by image


def test_a_window_is_bounded_by_its_bytes() -> None:
    assert window_size(64 * 64 * 3) == 2048
    assert window_size(512 * 512 * 3) == 85
    assert window_size(1 << 30) == RUN
