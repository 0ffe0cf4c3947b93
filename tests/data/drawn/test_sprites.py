"""Drawn sprites: every combination of levels once, and each level seen in the image as it is told."""

import numpy as np
import pytest

from latelier.data.drawn.sprites import FACTORS, LEVELS, PLACES, SCALES, SHAPES, SIDE, draw_sprites
from latelier.data.factors import known_factors
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.errors import Refusal


@pytest.fixture(scope="module")
def small() -> Images:
    return draw_sprites(size=32)


@pytest.fixture(scope="module")
def large() -> Images:
    return draw_sprites()


@pytest.fixture(params=["small", "large"])
def sprites(request: pytest.FixtureRequest) -> Images:
    drawn: Images = request.getfixturevalue(request.param)
    return drawn


def test_every_combination_once_in_no_order(sprites: Images) -> None:
    levels = sprites.truth["levels"]
    assert sprites.factors == FACTORS
    assert levels.dtype == np.int64
    numbers = np.ravel_multi_index(tuple(levels.T), LEVELS)
    assert sorted(numbers) == list(range(np.prod(LEVELS)))
    # The correlation of n rows has a deviation of n^-1/2: one order in 100,000 would fail.
    assert abs(np.corrcoef(numbers, np.arange(len(numbers)))[0, 1]) < 4.5 * len(numbers) ** -0.5
    assert (sprites.label == levels[:, 0]).all()
    assert sprites.classes == SHAPES
    assert len(set(sprites.names)) == len(sprites)
    assert known_factors(sprites)[0] == FACTORS


def test_the_centre_of_mass_is_where_x_and_y_say(sprites: Images) -> None:
    size = sprites.pixels.shape[1]
    at = (np.arange(size) + 0.5) * SIDE / size
    for column, across in ((3, 1), (4, 2)):
        mass = sprites.pixels[..., 0].sum(across, np.int64)
        place = mass @ at / mass.sum(1)
        expected = PLACES[sprites.truth["levels"][:, column]]
        assert np.abs(place - expected).max() < 0.06, FACTORS[column]  # of 64 pixels; shades are of 1/255


def test_area_is_a_matter_of_scale_alone(sprites: Images) -> None:
    area = sprites.pixels.sum((1, 2, 3), np.int64) / 255 * (SIDE / sprites.pixels.shape[1]) ** 2
    expected = 400 * SCALES[sprites.truth["levels"][:, 1]] ** 2
    assert np.abs(area / expected - 1).max() < 0.01


def test_no_two_images_are_alike(sprites: Images) -> None:
    levels = sprites.truth["levels"]
    here = sprites.pixels[(levels[:, 3] == 4) & (levels[:, 4] == 7)]
    assert len(np.unique(here.reshape(len(here), -1), axis=0)) == len(here) == np.prod(LEVELS[:3])


def test_turns_are_counterclockwise_and_the_heart_stands_on_its_tip(large: Images) -> None:
    rows = {tuple(row): number for number, row in enumerate(large.truth["levels"].tolist())}
    middle = int(PLACES[5])

    def image(shape: str, turn: int) -> np.ndarray:
        return large.pixels[rows[SHAPES.index(shape), 5, turn, 5, 5], ..., 0].astype(float)

    heart = image("heart", 0)
    around = heart[:, middle - 16 : middle + 16]
    assert np.array_equal(around, around[:, ::-1])
    reach = np.flatnonzero(heart.any(1))
    assert reach[-1] + 1 - middle > middle - reach[0]  # its tip is farther from the centre of mass than its top
    dark = image("ellipse", 1)
    y, x = np.indices(dark.shape) + 0.5
    tilt = (dark * (x - middle) * (middle - y)).sum()
    assert tilt > 0  # 40 degrees: the long axis runs from the lower left to the upper right
    assert (image("ellipse", 0).any(0).sum(), image("ellipse", 0).any(1).sum()) == (30, 18)


def test_splits_share_out_every_level_evenly(small: Images) -> None:
    train, test = draw_sprites("train", size=32), draw_sprites("test", size=32)
    assert (len(train), len(test)) == (20_736, 2_592)
    both = np.concatenate([s.truth["levels"] for s in (train, test)])
    assert len(np.unique(both, axis=0)) == len(both) == np.prod(LEVELS)
    for split in (train, test):
        for column, count in enumerate(LEVELS):
            assert len(set(np.bincount(split.truth["levels"][:, column], minlength=count))) == 1
    others = np.delete(test.truth["levels"], 2, axis=1)
    assert len(np.unique(others, axis=0)) == len(test)  # one rotation each
    order = {name: row for row, name in enumerate(small.names)}
    assert np.array_equal(test.pixels, small.pixels[[order[name] for name in test.names]])


def test_it_is_a_built_in_name() -> None:
    test = open_images("sprites:test", size=32)
    assert test.shape == (1, 32, 32)
    assert test.factors == FACTORS
    assert np.array_equal(test.truth["levels"], draw_sprites("test", size=32).truth["levels"])
    with pytest.raises(Refusal, match="--size 48 was given, expected 32 or 64"):
        open_images("sprites", size=48)
