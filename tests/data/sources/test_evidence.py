"""What a folder is, by what its files hold."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import folder, write
from shards import parquet, png, tar

from latelier.data.sources.open import open_images, splits_of
from latelier.errors import Refusal


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def test_a_stray_shard_decides_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path / "images", 5)
    parquet(root / "prices.parquet", {"price": [1, 2]})
    parquet(root / "deep/er/codes.parquet", {"file": ["000.png"], "z[0]": [0.5]})
    tar(root / "notes.tar", {"readme.txt": b"text", "._1.png": b"", "a/._2.png": b""})
    (root / "cut.parquet").write_bytes(b"PAR1 and no more")
    (root / "text.tar").write_text("no tar file, but long enough to look at" * 50)
    assert len(open_images(root)) == 5


def test_two_readings_are_asked(tmp_path: Path) -> None:
    root = folder(tmp_path / "images", 5)
    parquet(root / "stray.parquet", {"image": [png(seed=7)]})
    with pytest.raises(Refusal, match=r"can be read in 2 ways, as 5 images .* or 1 .parquet with images \(first"):
        open_images(root)
    with pytest.raises(Refusal, match=r"give --as folder or --as parquet$"):
        splits_of(root)
    assert len(open_images(root, as_="folder")) == 5
    assert list(open_images(root, as_="parquet").names) == ["stray.parquet:0"]
    with pytest.raises(Refusal, match=r"has no .tar files .*; it can be read by --as folder or --as parquet"):
        open_images(root, as_="tar")
    tar(root / "sub/0.tar", {"1.png": png()})
    with pytest.raises(Refusal, match="in 3 ways"):
        open_images(root)
    assert list(open_images(root, as_="tar").names) == ["1.png"]


def test_what_img2dataset_writes(tmp_path: Path) -> None:
    for shard in ("00000", "00001"):
        told = {"url": "https://example.org/1.jpg", "caption": "a disc", "key": f"{shard}0000"}
        files = {"jpg": png(), "txt": b"a disc", "json": json.dumps(told).encode()}
        tar(tmp_path / f"{shard}.tar", {f"{shard}0000.{ending}": content for ending, content in files.items()})
        parquet(tmp_path / f"{shard}.parquet", {name: [value] for name, value in told.items()})
        (tmp_path / f"{shard}_stats.json").write_text('{"count": 1}')
    images = open_images(tmp_path)
    assert list(images.names) == ["000000000.jpg", "000010000.jpg"]
    assert all("a disc" in texts for texts in images.captions)


def test_a_table_beside_parquet_of_images_is_no_part_of_it(tmp_path: Path) -> None:
    parquet(tmp_path / "train-0.parquet", {"image": [png()], "label": [0]})
    parquet(tmp_path / "metadata.parquet", {"label": [5]})
    assert len(open_images(tmp_path)) == 1


def test_sets_beside_each_other_are_not_one(tmp_path: Path) -> None:
    for name in ("faces/train.parquet", "faces/test.parquet", "clothes/train.parquet"):
        parquet(tmp_path / name, {"image": [png()]})
    with pytest.raises(Refusal, match=r"clothes and .*faces have splits of their own, as sets do: give one of them"):
        open_images(tmp_path)
    assert splits_of(tmp_path / "faces") == ("train", "test")
    for name in ("train/0.tar", "val/0.tar"):
        tar(tmp_path / "other" / name, {"1.png": png()})
    assert splits_of(tmp_path / "other") == ("train", "validation")


def test_a_damaged_shard_among_others_is_named(tmp_path: Path) -> None:
    tar(tmp_path / "train-0.tar", {"1.png": png()})
    (tmp_path / "train-1.tar").write_text("no tar file, but long enough to look at" * 50)
    with pytest.raises(Refusal, match=r"train-1.tar: not a whole, uncompressed tar file"):
        open_images(tmp_path)


@pytest.mark.parametrize(
    ("column", "complaint"),
    [
        ("images", "no column image, but images, which may hold several a row"),
        ("image", "lists of images in the column image"),
    ],
)
def test_lists_of_images_are_refused(tmp_path: Path, column: str, complaint: str) -> None:
    file = parquet(tmp_path / "train.parquet", {column: [[{"bytes": png(), "path": "1.png"}]]})
    for source in (file, tmp_path):
        with pytest.raises(Refusal, match=rf"train.parquet.*{complaint}"):
            open_images(source)


def test_images_without_a_text_and_texts_without_an_image_are_counted(tmp_path: Path) -> None:
    files = {"1.png": png(), "1.txt": b"a disc", "2.png": png(), "3.txt": b"a disc", "3.json": b"{}"}
    images = open_images(tar(tmp_path / "0.tar", files))
    assert images.remarks == (
        "1 of 3 samples have no image: left out",
        "1 of 2 images have no text beside them",
    )


@pytest.mark.usefixtures("no_extras")
def test_a_folder_without_images_says_what_is_there(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    for name in ("1.heic", "2.HEIC", "notes.txt", ".hidden"):
        (root / name).write_bytes(b"")
    with pytest.raises(
        Refusal, match=r"no images in this folder, but 2 .heic \(pip install 'latelier\[heif\]'\), 1 .txt;"
    ):
        open_images(root)


@pytest.mark.parametrize(
    ("source", "as_", "complaint"),
    [
        ("digits", "tar", "digits is built in and read in one way: leave --as tar out"),
        ("images", "zip", "--as zip: expected one of folder, parquet, tar"),
        ("images", "parquet", "has no .parquet files with images; it can be read by --as folder"),
        ("images", "splits", "has no sub-folders named like splits"),
        ("shards/0.tar", "parquet", "is one .tar file: leave --as parquet out"),
        ("shards", "folder", "has no images in files of their own; it can be read by --as tar"),
    ],
)
def test_readings_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, as_: str, complaint: str
) -> None:
    folder(tmp_path / "images", 2)
    tar(tmp_path / "shards/0.tar", {"1.png": png()})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match=complaint):
        open_images(source, as_=as_)


def test_a_file_of_shards_is_read_by_what_it_is(tmp_path: Path) -> None:
    write(tmp_path / "beside.png")
    assert len(open_images(tar(tmp_path / "0.tar", {"1.png": png()}))) == 1
    assert len(open_images(tar(tmp_path / "in/A.TAR", {"1.png": png()}).parent)) == 1


def test_of_two_columns_called_alike_none_is_taken(tmp_path: Path) -> None:
    cells = pa.array([{"bytes": (folder(tmp_path / "all", 1) / "000.png").read_bytes(), "path": "a.png"}])
    pq.write_table(pa.table([cells, cells], names=["image", "image"]), tmp_path / "images.parquet")
    pq.write_table(pa.table([cells, [1], [2]], names=["image", "label", "label"]), tmp_path / "labels.parquet")
    for name, said in (("images", "two columns are called image"), ("labels", "two columns are called label")):
        with pytest.raises(Refusal, match=said):
            open_images(tmp_path / f"{name}.parquet")
    for number, columns in enumerate((["image", "hat"], ["image", "hat", "hat"])):
        pq.write_table(
            pa.table([cells, *[[True]] * (len(columns) - 1)], names=columns), tmp_path / f"all/{number}.parquet"
        )
    with pytest.raises(Refusal, match=r"1.parquet: two columns are called hat"):
        open_images(tmp_path / "all", as_="parquet")


def test_parquet_under_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    cells = pa.array([{"bytes": (folder(tmp_path / "all", 1) / "000.png").read_bytes(), "path": "a.png"}])
    pq.write_table(pa.table([cells], names=["image"]), tmp_path / "a.parquet")
    path = tmp_path / os.fsdecode(b"\xe4.parquet")
    (tmp_path / "a.parquet").rename(path)
    assert len(open_images(path)) == 1
