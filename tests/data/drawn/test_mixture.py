"""The drawn mixture: 25 modes, each as often, and points where their mode says."""

import numpy as np
import pytest

from latelier.data.drawn.mixture import PLACES, REACH, SD, draw_mixture
from latelier.data.sources.open import list_data, open_images
from latelier.errors import Refusal


def test_every_mode_as_often_in_no_order() -> None:
    images = draw_mixture(400, 1)
    assert images.shape == (1, 1, 2)
    assert np.bincount(images.label).tolist() == [400] * 25
    # The correlation of n rows has a deviation of n^-1/2: one seed in 100,000 would fail.
    assert abs(np.corrcoef(images.label, np.arange(10_000))[0, 1]) < 0.045


def test_points_are_normal_around_their_centres() -> None:
    images = draw_mixture(400, 1)
    point = images.pixels[:, 0, :, 0] / 255 * 2 * REACH - REACH
    first, second = np.divmod(images.label, 5)
    centre = np.array(PLACES)[np.stack([first, second], 1)]
    np.testing.assert_allclose(images.truth["mode"] * 2 * REACH - REACH, centre, atol=1e-6)
    off = point - centre
    step = 2 * REACH / 255
    # sd of 20,000 numbers: 0.5 % of itself; their mean 0.36e-3, beside what rounding shifts a centre by. Five of each.
    assert np.sqrt((off**2).mean()) == pytest.approx(np.hypot(SD, step / 12**0.5), rel=0.025)
    assert abs(off.mean()) < 2e-3
    assert np.abs(off).max() < 5.5 * SD + step  # one in 30 million farther


def test_it_is_a_function_of_the_seed() -> None:
    one, other, again = draw_mixture(10, 0), draw_mixture(10, 1), draw_mixture(10, 0)
    assert np.array_equal(one.pixels, again.pixels)
    assert not np.array_equal(one.pixels, other.pixels)


def test_it_is_a_built_in_name() -> None:
    assert "mixture" in dict(list_data())
    train, test = open_images("mixture"), open_images("mixture:test")
    assert (len(train), len(test)) == (50_000, 10_000)
    assert np.array_equal(test.pixels, draw_mixture(400, 1).pixels)
    assert np.array_equal(test.truth["mode"], draw_mixture(400, 1).truth["mode"])
    assert test.classes == tuple(map(str, range(25)))
    with pytest.raises(Refusal, match="no other size: leave --size 32 out"):
        open_images("mixture", size=32)
