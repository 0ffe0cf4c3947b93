import numpy as np
import pytest

from latelier.data.sources.open import open_images
from latelier.data.subsets import fewer, hide_labels, hold_out
from latelier.errors import Refusal


def test_held_out_and_learned_from_make_up_the_whole() -> None:
    rows, held = hold_out(100, 0.25, seed=3)
    assert len(held) == 25
    assert sorted([*rows, *held]) == list(range(100))
    assert (rows == hold_out(100, 0.25, seed=3)[0]).all()
    assert (rows != hold_out(100, 0.25, seed=4)[0]).any()
    rows, held = hold_out(100, 0, seed=3)
    assert (len(rows), len(held)) == (100, 0)
    with pytest.raises(Refusal, match=r"^--validation 0\.1 of 3 images leaves none on one side; one image is 0\.33 of"):
        hold_out(3, 0.1, seed=0)
    assert len(hold_out(3, 0.33, seed=0)[1]) == 1
    with pytest.raises(Refusal, match=r"of 1 image leaves none on one side; leave it out, or give more images$"):
        hold_out(1, 0.5, seed=0)


def test_fewer_are_among_the_rows() -> None:
    rows = np.arange(0, 100, 2)
    few = fewer(rows, 10, seed=0)
    assert len(few) == len(np.unique(few)) == 10
    assert np.isin(few, rows).all()
    assert (few != fewer(rows, 10, seed=1)).any()
    with pytest.raises(Refusal, match="--images 51 were asked for, but there are 50"):
        fewer(rows, 51, seed=0)


def test_labels_are_kept_among_the_rows_alone() -> None:
    images = open_images("digits", split="test")
    rows = np.arange(0, 500, 3)
    known = np.flatnonzero(hide_labels(images, 2, seed=0, among=rows).label >= 0)
    assert len(known) == 20
    assert np.isin(known, rows).all()
