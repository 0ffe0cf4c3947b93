"""An image that some pack holds already is copied from there; nobody can tell from what comes out."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import folder, write
from PIL import Image

from latelier.data.images import Images
from latelier.data.packing import fill, reuse, sums, worker
from latelier.data.sources.open import open_images
from latelier.storage import json_records


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one entry with each image that is decoded."""
    done: list[object] = []

    def counted(file: object, target: object) -> object:
        done.append(target)
        return decode(file, target)  # type: ignore[arg-type]

    decode = worker.decode
    monkeypatch.setattr(worker, "decode", counted)
    return done


def same(images: Images, other: Images) -> bool:
    """Whether two sets agree in all but where they come from."""
    assert (np.asarray(images.pixels) == np.asarray(other.pixels)).all()
    assert (images.label == other.label).all()
    assert (images.names, images.skipped, images.remarks) == (other.names, other.skipped, other.remarks)
    return images.fingerprint == other.fingerprint


def mixed(path: Path, n: int) -> Path:
    """Images of several kinds, of which some are converted, and one file that is none."""
    for i in range(n):
        write(path / f"{i:03}.png", ["RGB", "RGBA", "L", "LA"][i % 4], seed=i)
    (path / "none.png").write_text("no image")
    return path


def add(path: Path) -> Path:
    write(path / "0005.png", seed=99)
    return path


def touch(path: Path) -> Path:
    for file in path.iterdir():
        os.utime(file, (1, 1))
    return path


def move(path: Path) -> Path:
    return path.rename(path.with_name("elsewhere"))


def rename(path: Path) -> Path:
    for number, file in enumerate(sorted(path.iterdir(), reverse=True)):
        file.rename(path / f"new{number:03}.png")
    return path


def drop(path: Path) -> Path:
    for name in ("000.png", "003.png", "019.png"):
        (path / name).unlink()
    return path


@pytest.mark.parametrize(("change", "new"), [(add, 1), (touch, 0), (move, 0), (rename, 0), (drop, 0)])
@pytest.mark.parametrize("size", [None, 8])
def test_only_what_is_new_is_decoded(
    change: Callable[[Path], Path],
    new: int,
    size: int | None,
    tmp_path: Path,
    decoded: list[object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    source = mixed(tmp_path / "images", 20)
    open_images(source, size=size)
    source = change(source)
    decoded.clear()
    images = open_images(source, size=size)
    assert len(decoded) == new + 1  # the file that is no image is tried again: its reason is told anew
    assert same(images, open_images(source, size=size, cache=tmp_path / "empty"))


@pytest.mark.parametrize(("change", "read"), [(add, 1), (drop, 0), (touch, 20), (move, 20), (rename, 20)])
def test_files_of_the_same_path_size_and_time_are_not_read(
    change: Callable[[Path], Path], read: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(path: str) -> bytes | None:
        asked.append(Path(path).name)
        return held(path)

    held = worker.held
    monkeypatch.setattr(worker, "held", noted)
    source = mixed(tmp_path / "images", 20)
    first = open_images(source)
    source = change(source)
    asked.clear()
    images = open_images(source)
    assert len(asked) == read + 1  # the file that is no image stands in no pack
    assert same(images, open_images(source, cache=tmp_path / "empty"))
    write(source / "zzz.png", seed=5)  # what was copied by its digest is known by its time from now on
    asked.clear()
    assert len(open_images(source)) == len(images) + 1 >= len(first) - 2
    assert sorted(asked) == sorted(["none.png" if change is not rename else "new000.png", "zzz.png"])


def test_a_file_of_another_time_or_size_is_read(tmp_path: Path, decoded: list[object]) -> None:
    source = folder(tmp_path / "images", 3)
    before = open_images(source)
    status = (source / "001.png").stat()
    write(source / "001.png", seed=77)
    os.utime(source / "001.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    decoded.clear()
    after = open_images(source)
    assert len(decoded) == 1
    assert (np.asarray(after.pixels) != np.asarray(before.pixels)).any(axis=(1, 2, 3)).tolist() == [False, True, False]


def test_processes_copy_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(fill, "SMALL", 2)
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    monkeypatch.setattr(fill, "cores", lambda: 2)
    source = mixed(tmp_path / "images", 20)
    open_images(source)
    (made,) = (cache / "packs").iterdir()
    change_pixels(made)  # to see in the outcome that it was copied
    images = open_images(add(source))
    fresh = open_images(source, cache=tmp_path / "empty")
    assert (images.pixels != fresh.pixels).any(axis=(1, 2, 3)).sum() == 20
    assert images.remarks == fresh.remarks


def change_pixels(made: Path) -> None:
    """Other pixels, under sums that agree."""
    pixels = np.load(made / "pixels.npy")
    np.save(made / "pixels.npy", 255 - pixels)
    files = (made / "pixels.npy", made / "names.arrow")
    np.save(made / "sums.npy", np.concatenate(list(map(sums.block_sums, files))))
    told = json.loads((made / "info.json").read_text())
    del told["checksum"]
    told["files"]["sums.npy"] = dict(zip(("bytes", "sum"), sums.total(made / "sums.npy"), strict=True))
    json_records.write(made / "info.json", told)


def test_other_targets_and_other_decoders_are_decoded(
    tmp_path: Path, decoded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder(tmp_path / "images", 6)
    open_images(source)
    for options in ({"size": 8}, {"channels": 1}, {"size": 8, "channels": 1}):
        decoded.clear()
        open_images(source, **options)  # type: ignore[arg-type]
        assert len(decoded) == 6
    touch(source)
    monkeypatch.setattr(reuse, "pillow", "0.1")
    decoded.clear()
    open_images(source)
    assert len(decoded) == 6


def test_a_larger_image_in_a_set_of_one_size(tmp_path: Path, decoded: list[object]) -> None:
    """It turns up after the sample, and all are scaled then, with the outcome of an empty cache."""
    source = folder(tmp_path / "images", 300)
    open_images(source)
    write(source / "290.png", size=(30, 40))
    assert same(open_images(source), open_images(source, cache=tmp_path / "empty"))


def test_shards_are_like_folders(tmp_path: Path, decoded: list[object]) -> None:
    source = folder(tmp_path / "images", 8)
    open_images(source)
    decoded.clear()
    rows = [{"bytes": file.read_bytes(), "path": file.name} for file in sorted(source.iterdir())]
    pq.write_table(pa.table({"image": rows}), tmp_path / "all.parquet")
    images = open_images(tmp_path / "all.parquet")
    assert decoded == []
    assert same(images, open_images(tmp_path / "all.parquet", cache=tmp_path / "empty"))


@pytest.mark.parametrize("name", ["pixels.npy", "origin.npy", "sums.npy", "info.json"])
def test_damaged_rows_are_not_copied(name: str, tmp_path: Path, cache: Path) -> None:
    source = folder(tmp_path / "images", 6)
    open_images(source)
    moved = move(source)
    whole = open_images(moved, cache=tmp_path / "empty")
    (made,) = (cache / "packs").iterdir()
    content = (made / name).read_bytes()
    for seed in range(30):
        chance = random.Random(seed)
        spoilt = bytearray(content)
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        (made / name).write_bytes(spoilt)
        assert same(open_images(moved), whole)
        for path in (cache / "packs").iterdir():
            if path != made:
                shutil.rmtree(path)


def test_damaged_labels_cost_no_decoding(tmp_path: Path, cache: Path, decoded: list[object]) -> None:
    source = folder(tmp_path / "images", 6)
    open_images(source)
    (made,) = (cache / "packs").iterdir()
    (made / "label.npy").unlink()
    decoded.clear()
    images = open_images(source)
    assert decoded == []
    assert images.remarks == (
        f"what was decoded before was damaged, and has been made again ({made}: label.npy: No such file or directory)",
    )


def test_a_file_too_long_to_hold_is_decoded_each_time(
    tmp_path: Path, decoded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HELD", 400)  # of these files of some 400 bytes a part
    source = folder(tmp_path / "images", 6)
    long = sum(file.stat().st_size > 400 for file in source.iterdir())
    write(source / "long.png", size=(12, 10), mode="L")
    write(source / "other.png", size=(12, 10), mode="L")
    open_images(source)
    decoded.clear()
    open_images(touch(source))
    assert 0 < long == len(decoded) < 8


def test_deep_images_of_another_range_are_decoded(tmp_path: Path, decoded: list[object]) -> None:
    source = tmp_path / "images"
    source.mkdir()
    for i in range(4):
        values = np.random.default_rng(i).integers(0, 4000, (8, 8), np.uint16)
        values[0, :2] = 0, 4000  # so that the sample's range is that of all
        Image.fromarray(values).save(source / f"{i}.png")
    first = open_images(source)
    decoded.clear()
    again = open_images(touch(source))
    assert decoded == []
    assert (again.range, again.remarks) == (first.range, first.remarks)
    other = open_images(source, range=(0, 1000))
    assert len(decoded) == 4
    assert other.range == (0, 1000)
    assert (other.pixels != again.pixels).any()
