"""Pixels that lie in a file: whose pages are handed back."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from latelier.data.batches import _mapping


@pytest.mark.skipif(not hasattr(mmap.mmap, "madvise"), reason="this system takes no advice on pages")
def test_a_map_is_found_below_views_of_it_and_arrays_in_memory_have_none(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", np.zeros((4, 8, 8, 1), np.uint8))
    pixels = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    for view in (pixels, np.asarray(pixels)[1:, ::2]):
        assert isinstance(_mapping(view), mmap.mmap)
    assert _mapping(np.zeros((4, 8, 8, 1), np.uint8)[1:]) is None
    assert _mapping(np.frombuffer(b"1234", np.uint8)) is None
