"""A folder's listing: what its digest depends on, and labels that are found without reading every name."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made import folder, write

from latelier.data.sources import folder as module
from latelier.data.sources.folder import Folder
from latelier.data.sources.listing import FEW, Listing
from latelier.data.sources.open import open_images, place_of
from latelier.data.sources.tree import walk
from latelier.errors import Refusal


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def images(path: Path) -> Path:
    for name in ("a/1.png", "a/2.png", "b/deep/1.png", "b/1.png", "0.png"):
        write(path / name, size=(6, 5), seed=len(name))
        os.utime(path / name, (10, 10))
    return path


def listed(root: Path, stated: bool = True) -> Listing:
    found = Listing(stated)
    for leaf in walk(root):
        found.add(leaf)
    return found


def rename(root: Path) -> None:
    (root / "a/1.png").rename(root / "a/3.png")


def move(root: Path) -> None:
    (root / "a/2.png").rename(root / "b/2.png")


def swap(root: Path) -> None:
    """Two files of other sizes change names."""
    one, two = (root / name for name in ("a/1.png", "b/deep/1.png"))
    two.write_bytes(two.read_bytes() + b"x")
    os.utime(two, (10, 10))
    before.append(listed(root).digest(""))
    one.rename(root / "x")
    two.rename(one)
    (root / "x").rename(two)


before: list[str] = []  # of a change's own beginning


def touch(root: Path) -> None:
    os.utime(root / "b/1.png", (10, 11))


def grow(root: Path) -> None:
    with open(root / "b/1.png", "ab") as file:
        file.write(b"x")
    os.utime(root / "b/1.png", (10, 10))


@pytest.mark.parametrize("change", [rename, move, swap, touch, grow, lambda root: (root / "0.png").unlink()])
def test_any_change_is_another_digest(change: Callable[[Path], None], tmp_path: Path) -> None:
    root = images(tmp_path / "all")
    before[:] = [listed(root).digest("")]
    change(root)
    assert listed(root).digest("") != before[-1]


def test_what_is_no_image_and_in_which_order_files_come_are_not_in_it(tmp_path: Path) -> None:
    root = images(tmp_path / "all")
    first = listed(root)
    (root / "a/notes.txt").write_text("x")
    (root / "a/.hidden.png").write_text("x")
    again = Listing(stated=True)
    for leaf in sorted(walk(root), key=lambda leaf: leaf.name, reverse=True):
        again.add(leaf)
    assert again.digest("") == first.digest("")
    assert len(again) == 5
    assert images(tmp_path / "b").joinpath("b").exists()
    assert listed(root).digest("b/") == listed(root / "b").digest("")  # wherever the folder lies


def test_of_many_files_few_names_are_kept(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for number in range(FEW + 20):
        (tmp_path / f"all/{number}.png").write_bytes(b"")
    found = listed(tmp_path / "all")
    assert (len(found), len(found.folders[""].first)) == (FEW + 20, FEW)


def test_classes_are_found_by_the_order_of_names(tmp_path: Path) -> None:
    names = ["a", "a b", "a.", "a-", "a0", "A", "\xe4", "e\u0301", "\xe9", "z"]
    rows = sorted([f"in/{name}/{i}.png" for i, name in enumerate(names * 3)] + ["in/loose.png", "in/.png", "in/zz.png"])
    source = Folder(tmp_path, Listing(), "", ("",), "in/", tuple(sorted(names)))
    label, classes = source._classes(rows)
    composed = {"e\u0301": "\xe9"}
    for row, number in zip(rows, label, strict=True):
        first = row.split("/")[1] if row.count("/") == 2 else None
        assert (classes[number] if number >= 0 else None) == (composed.get(first, first) if first else None)
    assert (label < 0).sum() == 3


def test_files_that_come_meanwhile_are_not_decoded_under_anothers_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "all", 3)
    place, _ = place_of(root, stated=True)
    write(root / "late.png")
    with pytest.raises(Refusal, match="files changed while they were listed; run the same command again"):
        place.source("").contents()
    assert len(open_images(root)) == 4
    monkeypatch.setattr(module, "walk", None)  # a second start lists the files once
    assert len(open_images(root)) == 4


def test_a_stamp_is_the_same_whether_sizes_were_asked_for_at_once(tmp_path: Path) -> None:
    root = images(tmp_path / "all")
    stamps = [place_of(root, stated=stated)[0].source("").stamp for stated in (True, False)]
    assert stamps[0] == stamps[1]
    assert np.all([len(str(stamp)) < 400 for stamp in stamps])
