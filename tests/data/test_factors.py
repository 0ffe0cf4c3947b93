import numpy as np
import pytest

from latelier.data.drawn.scenes import draw_scenes
from latelier.data.factors import BINS, binned, known_factors
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.errors import Refusal


def plain(label: list[int], attribute: list[list[int]]) -> Images:
    n = len(label)
    names = tuple(f"a{i}" for i in range(len(attribute[0])))
    return Images(
        pixels=np.zeros((n, 8, 8, 1), np.uint8),
        label=np.array(label, np.int64),
        attribute=np.array(attribute, np.int8),
        captions=[()] * n,
        names=[str(i) for i in range(n)],
        attributes=names,
    )


def test_classes_of_a_range() -> None:
    assert binned(np.array([-1, 0, 0.05, 0.1, 0.95, 1.0]), 0, 1).tolist() == [0, 0, 0, 1, 9, 9]


def test_scenes_know_what_every_image_has() -> None:
    names, levels = known_factors(draw_scenes(500))
    assert {"kind 1", "colour 1", "x 1", "ground texture", "count"} <= set(names)
    assert not any(name.endswith((" 2", " 3")) for name in names)
    assert levels.shape == (500, len(names))
    assert levels.min() == 0
    assert (np.ptp(levels, axis=0) > 0).all()
    assert levels[:, names.index("x 1")].max() < BINS
    assert (levels[:, names.index("kind 1")] == draw_scenes(500).label).all()


def test_else_attributes_and_classes_that_all_images_have() -> None:
    names, levels = known_factors(plain([0, 1, 2], [[1, 0, 1], [0, -1, 1], [1, 1, 1]]))
    assert names == ("a0", "class")  # a1 is unknown somewhere, a2 does not vary
    assert levels.tolist() == [[1, 0], [0, 1], [1, 2]]
    assert known_factors(open_images("digits", split="test"))[0] == ("class",)


def test_nothing_known_is_refused() -> None:
    with pytest.raises(Refusal, match="no known factors: give every image a label"):
        known_factors(plain([-1, 1], [[-1], [1]]))
