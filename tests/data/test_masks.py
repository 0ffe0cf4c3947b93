"""Masks: what they hide, and whose files are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made import noise
from PIL import Image
from torch import Generator, Tensor

from latelier.data.masks import MASKS, make
from latelier.errors import Refusal

SHAPES = [(3, 1, 8, 8), (2, 3, 33, 9), (1, 1, 1, 1)]


def known(name: str | Path, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return make(str(name), shape, Generator().manual_seed(seed))


def saved(path: Path, values: list[list[int]], mode: str = "L") -> Path:
    Image.fromarray(np.array(values, np.uint8)).convert(mode).save(path)
    return path


def test_centre_hides_the_middle_half_of_each_side() -> None:
    mask = known("centre", (5, 3, 8, 12))
    assert mask.shape == (1, 1, 8, 12)
    rows, columns = (~mask[0, 0]).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 5, 3, 8)
    assert (~mask).sum() == 4 * 6


def test_half_hides_the_right_half() -> None:
    assert known("half", (5, 3, 2, 4)).tolist() == [[[[True, True, False, False]] * 2]]


def test_random_hides_half_of_the_pixels_of_each_image_and_others_in_each() -> None:
    mask = known("random", (50, 3, 8, 8))
    assert mask.shape == (50, 1, 8, 8)
    assert mask.flatten(1).sum(1).tolist() == [32] * 50
    assert len(mask.flatten(1).unique(dim=0)) == 50
    share = mask.float().mean(0)  # of 50: sd 0.07, so none of 64 beyond 5 sd but once in 75,000 seeds
    assert 0.15 < share.min() <= share.max() < 0.85


def test_random_follows_the_generator() -> None:
    first, again, other = (known("random", (4, 1, 8, 8), seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MASKS)
def test_something_is_missing_whatever_the_shape(name: str, shape: tuple[int, ...]) -> None:
    mask = known(name, shape)
    assert mask.dtype == torch.bool
    assert mask.shape[1:] == (1, *shape[2:])
    assert not mask.flatten(1).all(1).any()


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "LA"])
def test_an_image_is_a_mask_white_where_pixels_are_known(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "mask.png", [[255, 0], [0, 255]], mode)
    assert known(path, (7, 3, 4, 6)).tolist() == [
        [[[True] * 3 + [False] * 3, [True] * 3 + [False] * 3, [False] * 3 + [True] * 3, [False] * 3 + [True] * 3]]
    ]


def test_grey_counts_as_the_nearer_of_black_and_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "mask.png", [[0, 127, 128, 255]])
    assert known(path, (1, 1, 1, 4)).flatten().tolist() == [False, False, True, True]


def test_an_image_of_one_value_is_refused(tmp_path: Path) -> None:
    for value, words in ((255, "all white: nothing is missing"), (90, "all black: nothing is known")):
        path = saved(tmp_path / f"{value}.png", [[value] * 4] * 4)
        with pytest.raises(Refusal, match=words):
            known(path, (1, 1, 4, 4))


def test_a_hole_that_is_lost_by_shrinking_is_refused(tmp_path: Path) -> None:
    values = np.full((64, 64), 255)
    values[0, 0] = 0
    path = saved(tmp_path / "mask.png", values.tolist())
    assert (~known(path, (1, 1, 64, 64))).sum() == 1
    with pytest.raises(Refusal, match="at 4 x 4 pixels, all white"):
        known(path, (1, 1, 4, 4))


def test_what_is_no_image_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    noise(size=(64, 64)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:300])
    for path in (tmp_path, *(tmp_path / f"{name}.png" for name in ("text", "empty", "cut"))):
        with pytest.raises(Refusal, match=f"mask {path} cannot be read") as refusal:
            known(path, (1, 1, 4, 4))
        assert "\n" not in str(refusal.value)


def test_a_mask_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refusal, match='no mask "center": did you mean "centre"'):
        known("center", (1, 1, 4, 4))
