"""Names of images in tables as other systems write them, and names of files that are not UTF-8."""

import os
import unicodedata
from pathlib import Path

import pytest
from made import folder, noise, write

from latelier.data.images import with_classes
from latelier.data.sources.labels_file import in_full, labelled
from latelier.data.sources.names import Names
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

OURS = (
    "cat/1.png",
    "cat/2.PNG",
    "dog/1.png",
    "dog/2.png",
    "dog/2.jpg",
    "caf\xe9.png",
    " lead.png",
    "a\\b.png",
    "x_\udce4.png",
)


@pytest.mark.parametrize(
    ("given", "name", "but_for"),
    [
        ("cat/1.png", "cat/1.png", ""),
        (" cat/1.png ", "cat/1.png", ""),
        ("./cat/1.png", "cat/1.png", ""),
        ("pets/cat/1.png", "cat/1.png", ""),
        ("/some/where/pets/cat/1.png", "cat/1.png", ""),
        ("C:\\Users\\me\\pets\\cat\\1.png", "cat/1.png", ""),
        ("cat\\1.png", "cat/1.png", ""),
        (unicodedata.normalize("NFD", "caf\xe9.png"), "caf\xe9.png", ""),
        (" lead.png", " lead.png", ""),
        ("a\\b.png", "a\\b.png", ""),
        ("x_\udce4.png", "x_\udce4.png", ""),
        ("x_\\xe4.png", "x_\udce4.png", ""),
        ("Cat/1.png", "cat/1.png", "case"),
        ("cat/2.png", "cat/2.PNG", "case"),
        ("cat/1", "cat/1.png", "the ending"),
        ("pets\\cat\\1", "cat/1.png", "the ending"),
        ("CAFE\u0301", "caf\xe9.png", "case and the ending"),
    ],
)
def test_a_name_is_found_as_it_is_written_elsewhere(given: str, name: str, but_for: str) -> None:
    found = Names(OURS, "pets").find(given)
    assert (found.name, found.but_for, found.why) == (name, but_for, "")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("dog/2", "'dog/2.jpg' and 'dog/2.png' both fit"),
        ("bird/1.png", ""),
        ("1.png", ""),
        ("", ""),
        ("twice.png", "several images have this name"),
    ],
)
def test_a_name_that_fits_none_or_several_is_nobodys(given: str, why: str) -> None:
    names = Names([*OURS, "twice.png", "twice.png"], "pets")
    assert names.find(given) == (None, "", why, "")
    assert names.near("cat/1.gif") == "; 'cat/1.png' is there"


def test_what_fits_but_for_something_is_said(tmp_path: Path) -> None:
    source = folder(tmp_path / "pets", 3)
    (source / "labels.csv").write_text("file,label\n000,a\n001.PNG,b\n002.png,b\n")
    images = open_images(source, cache=tmp_path / "cache")
    assert images.label.tolist() == [0, 1, 1]
    assert images.remarks == (
        "labels.csv: 1 of its names fit but for the ending",
        "labels.csv: 1 of its names fit but for case",
    )
    again = labelled(images, source / "labels.csv", own=True)
    assert again.label.tolist() == [0, 1, 1]
    assert next(in_full(images, source / "labels.csv")) == ("000.png", "a")


def test_why_a_name_fits_none_is_said(tmp_path: Path) -> None:
    source = folder(tmp_path / "pets", 2)
    write(source / "000.jpg")
    (source / "labels.csv").write_text("file,label\n000,a\n")
    both = r"labels.csv names 1 files .*'000' in row 2: '000.jpg' and '000.png' both fit"
    with pytest.raises(Refusal, match=both):
        open_images(source, cache=tmp_path / "cache")
    path = (source / "labels.csv").rename(tmp_path / "mine.csv")
    images = open_images(source, cache=tmp_path / "cache")
    with pytest.raises(Refusal, match=r"mine.csv, row 2: no image is called '000': .* both fit"):
        labelled(images, path, own=True)
    path.write_text("file,class\n000.gif,a\n001.png,a\n")
    assert any("first '000.gif'; '000.jpg' is there" in said for said in labelled(images, path, own=True).remarks)


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """Class folders and images whose names are Latin-1, as old archives leave them; one is no image."""
    root = os.fsencode(tmp_path / "latin")
    for number, name in enumerate((b"k\xfche/bild_\xe4.png", b"pferd/bild_\xe4.png", b"pferd/b.png")):
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        with open(os.path.join(root, name), "wb") as file:
            noise(seed=number).save(file, "PNG")
    with open(os.path.join(root, b"pferd/kaputt_\xfc.png"), "wb") as file:
        file.write(b"no image")
    return tmp_path / "latin"


@pytest.mark.parametrize("small", [0, 1_000])
def test_names_that_are_not_utf8_are_kept(
    latin: Path, small: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latelier.data.packing.fill.SMALL", small)  # below it one process decodes, from it on several
    for _ in range(2):  # decoded, and out of the pack
        images = open_images(latin, cache=tmp_path / "cache")
        assert list(images.names) == ["k\udcfche/bild_\udce4.png", "pferd/b.png", "pferd/bild_\udce4.png"]
        assert images.skipped == ("pferd/kaputt_\udcfc.png",)
        assert [images.classes[i] for i in images.label] == ["k\udcfche", "pferd", "pferd"]
    assert with_classes(images, ("pferd", "k\udcfche")).label.tolist() == [1, 0, 0]


def test_tables_say_them_as_bytes_or_written_out(latin: Path, tmp_path: Path) -> None:
    images = open_images(latin, cache=tmp_path / "cache")
    path = tmp_path / "mine.csv"
    path.write_bytes(b"file,class\nk\xfche/bild_\xe4.png,cow\npferd/bild_\\xe4.png,horse\n")
    assert labelled(images, path, own=True).label.tolist() == [0, -1, 1]
    (latin / "labels.csv").write_bytes(b"file,label\nk\xfche/bild_\xe4.png,cow\n")
    assert open_images(latin, cache=tmp_path / "cache").label.tolist() == [0, -1, -1]
    (latin / "labels.csv").write_bytes(b"file,label\nk\xfche/no_\xe4.png,cow\n")
    with pytest.raises(Refusal, match=r"first 'k\\udcfche/no_\\udce4.png' in row 2: this is not UTF-8; save it"):
        open_images(latin, cache=tmp_path / "cache")
    (latin / "labels.csv").write_bytes(b"file,label\npferd/b.png,K\xe4se\n")
    with pytest.raises(Refusal, match=r"labels.csv: not a CSV file in UTF-8: row 2 has 'K\\udce4se'; save it"):
        open_images(latin, cache=tmp_path / "cache")


def test_class_folders_may_be_decomposed(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "k\xfche")
    for name in (f"{apart}/1.png", "hund/2.png"):
        write(tmp_path / "tiere" / name)
    images = open_images(tmp_path / "tiere", cache=tmp_path / "cache")
    assert images.classes == ("hund", "k\xfche")
    found = with_classes(images, (apart, "hund"))  # as a run of an earlier version knows it
    assert found.label.tolist() == [0 if name.startswith("k") else 1 for name in images.names]


@pytest.mark.parametrize("name", ["nan", "None", "null", "<NA>"])
def test_no_class_is_called_nothing(name: str, tmp_path: Path) -> None:
    for place in (f"{name}/1.png", "cat/2.png"):
        write(tmp_path / "pets" / place)
    with pytest.raises(Refusal, match=f"a class is called '{name}', which programs write where nothing is known"):
        open_images(tmp_path / "pets", cache=tmp_path / "cache")
