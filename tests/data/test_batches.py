"""Pixels that lie in a file: whose pages are handed back."""

import mmap
from pathlib import Path

import numpy as np
import pytest
import torch

from latelier.data import batches
from latelier.data.batches import _mapping, _Store


@pytest.mark.skipif(not hasattr(mmap.mmap, "madvise"), reason="this system takes no advice on pages")
def test_a_map_is_found_below_views_of_it_and_arrays_in_memory_have_none(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", np.zeros((4, 8, 8, 1), np.uint8))
    pixels = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    for view in (pixels, np.asarray(pixels)[1:, ::2]):
        assert isinstance(_mapping(view), mmap.mmap)
    assert _mapping(np.zeros((4, 8, 8, 1), np.uint8)[1:]) is None
    assert _mapping(np.frombuffer(b"1234", np.uint8)) is None


@pytest.mark.parametrize(("resident", "times"), [(0, 3), (4 * 8 * 8, 0)])
def test_pages_of_a_map_too_large_to_stay_are_handed_back_now_and_then(
    resident: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Map:
        advice: list[int] = []  # noqa: RUF012

        def madvise(self, advice: int) -> None:
            self.advice.append(advice)

    monkeypatch.setattr(batches, "RESIDENT", resident)
    monkeypatch.setattr(batches, "FORGET_EVERY", 2)
    monkeypatch.setattr(batches, "_mapping", lambda pixels: Map())
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    store, rows = _Store(pixels, torch.device("cpu")), torch.tensor([3, 1])
    for _ in range(7):
        assert np.array_equal(store.rows(rows, rows), pixels[[3, 1]])
    assert Map.advice == [mmap.MADV_DONTNEED] * times
