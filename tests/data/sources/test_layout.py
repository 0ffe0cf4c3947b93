"""What the sub-folders of a folder are taken for."""

from pathlib import Path

import numpy as np
import pytest
from made import write

from latelier.data.sources.open import open_images, splits_of
from latelier.errors import Refusal
from latelier.sheets.sheet import save


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def made(root: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        write(root / name, seed=seed)
    return root


def test_a_competitions_archive_with_a_copy_of_itself(tmp_path: Path) -> None:
    inner = [f"{split}/{kind}/1.png" for split in ("train", "val", "test") for kind in ("A", "B")]
    xray = made(tmp_path / "xray", *inner, *(f"xray/{name}" for name in inner), "__MACOSX/xray/._1.png")
    images = open_images(xray)
    assert splits_of(xray) == ("train", "validation", "test")
    assert (list(images.names), images.classes) == (["A/1.png", "B/1.png"], ("A", "B"))
    assert images.remarks == ("xray/: in no split (train, validation, test), not used",)
    outer = made(tmp_path / "download", *(f"xray/{name}" for name in inner))  # nothing but the archive's folder
    assert (splits_of(outer), open_images(outer).classes) == (("train", "validation", "test"), ("A", "B"))


def test_a_folder_named_nearly_like_a_split_is_left_out_of_splits_and_said(tmp_path: Path) -> None:
    pets = made(tmp_path, "train/cat/1.png", "train/dog/2.png", "test1/3.png")
    images = open_images(pets)
    assert splits_of(pets) == ("train",)
    assert (images.classes, images.remarks) == (("cat", "dog"), ("test1/: in no split (train), not used",))
    assert splits_of(pets, as_="splits") == ("train", "test")
    assert open_images(pets, as_="classes").classes == ("test1", "train")
    assert open_images(pets, as_="images").classes == ()


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("train/1.png", "extra/2.png"), "train/ is named like a split and stands beside extra/: --as splits"),
        (("train/1.png", "2.png"), "train/ is named like a split and stands beside images in no folder: --as splits"),
        (("stage1_train/1.png", "stage1_test/2.png", "more/3.png"), "may be splits or classes: --as splits"),
        (("train_images/1.png", "test_images/2.png"), "test_images, train_images may be splits or classes"),
        (("val/1.png", "valid/2.png"), "val/ and valid/ are both called validation; give one, as .*/valid"),
        (
            ("pets/train/1.png", "xray/train/2.png"),
            "pets/, xray/ have splits of their own \\(train/\\): give .*pets or",
        ),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked(tmp_path: Path, names: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint) as refusal:
        open_images(made(tmp_path, *names))
    assert "\n" not in str(refusal.value)
    assert len(open_images(tmp_path, as_="classes")) == len(names)


def test_splits_beside_more_are_splits(tmp_path: Path) -> None:
    root = made(tmp_path, "train/1.png", "test/2.png", "more/3.png", "4.png")
    images = open_images(root)
    assert (splits_of(root), list(images.names)) == (("train", "test"), ["1.png"])
    assert images.remarks == ("images in no folder, more/: in no split (train, test), not used",)


def test_one_folder_is_no_class(tmp_path: Path) -> None:
    root = made(tmp_path, *(f"images/{i}.png" for i in range(3)))
    images = open_images(root)
    assert (images.classes, images.label.tolist()) == ((), [-1] * 3)
    said = "all images lie in images/, which is no class; --as classes takes folders as classes"
    assert images.remarks == (said,)
    assert list(images.names) == ["images/0.png", "images/1.png", "images/2.png"]
    assert open_images(root, as_="classes").classes == ("images",)
    write(root / "logo.png", seed=9)  # one stray file decides nothing
    assert open_images(root).classes == ()
    (root / "logo.png").unlink()
    (root / "images/labels.csv").write_text("file,label\n0.png,a\n1.png,b\n")
    assert open_images(root).classes == ("a", "b")


def test_classes_inside_one_folder(tmp_path: Path) -> None:
    images = open_images(made(tmp_path, "archive/cat/1.png", "archive/dog/2.png"))
    assert (images.classes, images.label.tolist()) == (("cat", "dog"), [0, 1])
    assert list(images.names) == ["archive/cat/1.png", "archive/dog/2.png"]


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (("0", "1", "2"), True),
        (("00", "01"), True),
        (("1", "2", "10", "3", "4", "5", "6", "7", "8", "9"), True),
        (("2019", "2020"), False),
        (("2019-05", "2020-11"), False),
        (("20190512", "20200101"), False),
        (("3", "17"), False),
        (("1003", "1027", "1104"), False),
        (("2019", "cat"), True),
        (("n01440764", "n02102040"), True),
    ],
)
def test_folders_called_by_numbers(tmp_path: Path, folders: tuple[str, ...], classes: bool) -> None:
    root = made(tmp_path, *(f"{folder}/1.png" for folder in folders))
    images = open_images(root)
    assert len(images.classes) == (len(folders) if classes else 0)
    assert any("called by years or numbers, and no classes; --as classes" in line for line in images.remarks) != classes
    assert len(open_images(root, as_="classes").classes) == len(folders)


def test_what_is_said_of_folders_holds_within_splits(tmp_path: Path) -> None:
    root = made(tmp_path, "train/2019/1.png", "train/2020/2.png", "val/2020/3.png")
    for reading, classes in (("", ()), ("classes", ("2019", "2020")), ("images", ())):
        assert splits_of(root, as_=reading) == ("train", "validation")
        assert open_images(root, as_=reading).classes == classes


def test_a_class_may_have_a_splits_name_in_its_own(tmp_path: Path) -> None:
    images = open_images(made(tmp_path, "airport/1.png", "train station/2.png"))
    assert images.classes == ("airport", "train station")
    assert images.remarks == ("train station: taken as classes like the other folders",)


def test_what_systems_write_is_no_image(tmp_path: Path) -> None:
    root = made(tmp_path, "1.png", "2.png", "._1.png", "__MACOSX/._2.png", "@eaDir/1.png/THUMB.png", "a/.b/3.png")
    assert list(open_images(root).names) == ["1.png", "2.png"]


def test_a_folder_of_sheets_is_no_class(tmp_path: Path) -> None:
    root = made(tmp_path, "1.png", "2.png")
    (root / "drawn").mkdir()
    save(np.zeros((8, 8, 3), np.uint8), root / "drawn/sheet.png")
    images = open_images(root)
    assert (list(images.names), images.classes) == (["1.png", "2.png"], ())
    assert images.remarks == ("1 of 3 images: written by latelier, left out",)
