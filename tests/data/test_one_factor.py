"""Batches that vary one factor: exactly one, every one equally often, every image of it, and nothing remembered."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from latelier.data.augment import Augment
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.one_factor import Lines
from latelier.errors import Refusal

CPU = torch.device("cpu")


def grid(*counts: int, seed: int = 0) -> Images:
    """One 8x8 image for every combination of levels, in a random order."""
    levels = np.random.default_rng(seed).permutation(list(np.ndindex(*counts)))
    n = len(levels)
    return Images(
        pixels=np.zeros((n, 8, 8, 1), np.uint8),
        label=levels[:, 0].astype(np.int64),
        attribute=np.zeros((n, 0), np.int8),
        captions=[()] * n,
        names=[str(row) for row in range(n)],
        factors=tuple(f"f{number}" for number in range(len(counts))),
        truth={"levels": levels},
        source="grid",
    )


def test_each_batch_varies_one_factor_and_shows_its_whole_line() -> None:
    images = grid(3, 4, 1, 5)
    lines = Lines(images, np.arange(len(images)), seed=0)
    seen = []
    for step in range(200):
        levels = images.truth["levels"][lines.at(step, 8).numpy()]
        (varied,) = np.flatnonzero((levels != levels[0]).any(0))
        counts = np.bincount(levels[:, varied])
        assert len(counts) == images.truth["levels"][:, varied].max() + 1
        assert counts.max() - counts.min() <= 1
        seen.append(varied)
    # Each of three comes 67 times, sd 6.7: outside 40 to 94 once in 20,000.
    assert all(40 <= count <= 94 for count in np.bincount(seen)[[0, 1, 3]])
    assert set(seen) == {0, 1, 3}


def test_every_image_comes_and_comes_first_equally_often() -> None:
    images = grid(2, 3)
    lines = Lines(images, np.arange(6), seed=1)
    drawn = torch.stack([lines.at(step, 6) for step in range(1200)])
    first = torch.bincount(drawn[:, 0], minlength=6)
    assert all(140 <= count <= 260 for count in first)  # 200, sd 13: once in 30,000
    assert all(1000 <= count <= 1400 for count in torch.bincount(drawn.flatten(), minlength=6))


def test_a_batch_is_a_function_of_seed_and_position() -> None:
    images = grid(3, 4, 5)
    one, other = (Batches(images, 12, seed=3, device=CPU, one_factor=True) for _ in range(2))
    later = [one.at(position).index for position in (0, 12, 24, 36)]
    assert torch.equal(other.at(36).index, later[3])
    assert not torch.equal(later[0], later[1])
    assert not torch.equal(Batches(images, 12, seed=4, device=CPU, one_factor=True).at(36).index, later[3])
    parts = [other.at(24, part, 3).index for part in range(3)]
    assert torch.equal(torch.stack(parts, 1).flatten(), later[2])
    assert torch.equal(other.at(24).factor, torch.from_numpy(images.truth["levels"])[later[2]])


def test_only_rows_among_those_given_and_on_a_line_of_theirs() -> None:
    images = grid(3, 4, 2)
    levels = images.truth["levels"]
    lone = (levels[:, 0] == 1) & (levels[:, 1] > 0)  # of level 1 of f0 only (1, 0, *) stays
    among = np.flatnonzero(~lone)
    lines = Lines(images, among, seed=0)
    for step in range(300):
        rows = lines.at(step, 5).numpy()
        assert np.isin(rows, among).all()
        assert (levels[rows] != levels[rows[0]]).any(0).sum() == 1


def test_twins_are_no_line() -> None:
    images = grid(2, 2)
    twins = images.take(np.repeat(np.arange(4), 2))  # every image twice
    lines = Lines(twins, np.arange(8), seed=0)
    for step in range(10):
        assert len(set(lines.at(step, 4).tolist())) == 4  # a line has both twins at both levels
    apart = twins.take(np.flatnonzero(np.isin(twins.truth["levels"] @ [2, 1], [0, 3])))  # (0, 0) and (1, 1), twice each
    with pytest.raises(Refusal, match=r"no two images of grid differ in f0 alone.*sprites"):
        Lines(apart, np.arange(len(apart)), seed=0)


def test_what_has_no_lines_is_refused() -> None:
    images = grid(2, 2)
    with pytest.raises(Refusal, match=r"grid have no known factors.*sprites"):
        Batches(replace(images, factors=()), 4, seed=0, device=CPU, one_factor=True)
    with pytest.raises(Refusal, match="all factors of grid are constant"):
        Batches(images, 4, seed=0, device=CPU, one_factor=True, among=np.array([2]))
    with pytest.raises(Refusal, match="--shift, --cutout: more than the one factor"):
        Batches(images, 4, seed=0, device=CPU, one_factor=True, augment=Augment(1, cutout=0.2))
