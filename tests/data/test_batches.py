"""What batches are drawn from, and pixels that lie in a file: whose pages are handed back."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latelier.data import batches
from latelier.data.augment import Augment
from latelier.data.batches import Batches, _mapping, _Store
from latelier.data.images import Images
from latelier.errors import Refusal


def images(label: np.ndarray, source: str = "mine") -> Images:
    n = len(label)
    pixels = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 1), np.uint8)
    return Images(pixels, label, np.zeros((n, 0), np.int8), [[]] * n, [""] * n, source=source)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"labelled": 0.5}, "mine: learning classes needs labels, .* none; give class sub-folders or a labels.csv"),
        ({"captioned": 0.5}, "mine: a caption head needs captions, but these images have none"),
        ({"among": np.zeros(0, np.int64)}, "mine: no images left to train on"),
        ({"augment": Augment(8)}, "shift moves by pixels, fewer than the 8 .*, not by 8: nothing .* would be left"),
        ({"labelled": 0.75, "captioned": 0.5}, "head.labelled 0.75 and caption.captioned 0.5 .* set them lower"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, Any], line: str) -> None:
    with pytest.raises(Refusal, match=f"^{line}$"):
        Batches(images(np.full(12, -1)), 4, seed=0, device=torch.device("cpu"), **options)


def test_what_is_known_of_drawn_data_comes_with_its_own_rows() -> None:
    truth = np.arange(12, dtype=np.uint8) * 3
    plain, known = (
        Batches(images(np.full(12, -1)), 4, seed=0, device=torch.device("cpu"), truth=one) for one in (None, truth)
    )
    assert plain.at(0).truth.shape == (0,)
    assert plain.at(0).truth.dtype == known.at(0).truth.dtype == torch.int64
    assert torch.equal(known.at(8).truth, 3 * known.at(8).index)
    assert torch.equal(known.rows(torch.tensor([7, 2])).truth, torch.tensor([21, 6]))


@pytest.mark.parametrize("among", [None, np.arange(4, 28)])
def test_told_images_and_some_others_are_those_that_are_trained_on(among: np.ndarray | None) -> None:
    label = np.where(np.arange(30) % 5, -1, 0)
    data = Batches(images(label), 4, seed=0, device=torch.device("cpu"), among=among)
    trained = np.arange(30) if among is None else among
    told = trained[label[trained] == 0]
    for count, more in ((0, 0), (3, 4), (99, 1)):
        first, rest = (rows.numpy() for rows in data.labelled_and_some(count, more))
        assert all(map(np.array_equal, data.labelled_and_some(count, more), (first, rest)))
        others = len(trained) - len(told)
        assert (len(first), len(rest)) == (len(told) + min(count, others), min(more, max(0, others - count)))
        assert np.isin(told, first).all()
        assert np.isin(np.concatenate([first, rest]), trained).all()
        assert len(np.unique(np.concatenate([first, rest]))) == len(first) + len(rest)
        assert all(np.array_equal(np.sort(rows), rows) for rows in (first, rest))
    assert len(data.labelled_and_some(3)[1]) == 0


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
    monkeypatch.setattr(batches, "_mapping", lambda found: Map() if np.shares_memory(found, pixels) else None)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    store, rows = _Store(pixels, torch.device("cpu")), torch.tensor([3, 1])
    for _ in range(7):
        assert np.array_equal(store.rows(rows, rows), pixels[[3, 1]])
    assert Map.advice == [mmap.MADV_DONTNEED] * times
