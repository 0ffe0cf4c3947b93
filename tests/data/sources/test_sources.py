import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made import folder, noise, write
from PIL import Image
from shards import parquet, png, tar

from latelier.data.packing import target
from latelier.data.sources import builtin
from latelier.data.sources.open import list_data, open_images, splits_of
from latelier.data.sources.vision import VISION
from latelier.errors import Refusal

SHARED = Path(__file__).parents[4] / "shared" / "data"  # real images beside the repository, on some machines
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# ---- folders


def test_class_folders(tmp_path: Path) -> None:
    for name in ("dog 2/a.png", "dog 10/deep/er/b.JPG", "dog 10/c.png", ".hidden/d.png", "empty/notes.txt"):
        write(tmp_path / "pets" / name) if "notes" not in name else (tmp_path / "pets/empty").mkdir()
    write(tmp_path / "pets/loose.png")
    images = open_images(tmp_path / "pets")
    assert list(images.names) == ["dog 10/c.png", "dog 10/deep/er/b.JPG", "dog 2/a.png", "loose.png"]
    assert images.classes == ("dog 2", "dog 10")
    assert images.label.tolist() == [1, 1, 0, -1]
    assert images.remarks == ("1 of 4 images stand beside the class folders: their class is unknown",)
    assert (images.source, splits_of(tmp_path / "pets")) == (str(tmp_path / "pets"), ())
    assert (images.pixels[2] == np.asarray(noise())).all()


def test_split_folders(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/2.png", "val/dog/3.png", "test/emu/4.png"):
        write(tmp_path / "pets" / name)
    pets = tmp_path / "pets"
    assert splits_of(pets) == ("train", "validation", "test")
    assert list(open_images(pets).names) == ["cat/1.png", "dog/2.png"]
    chosen = [
        open_images(pets, split="validation"),
        open_images(f"{pets}:val"),
        open_images(f"{pets}:val", split="valid"),
    ]
    assert [images.source for images in chosen] == [f"{pets}:validation"] * 3
    assert [images.label.tolist() for images in chosen] == [[1]] * 3
    assert chosen[0].classes == open_images(pets, split="test").classes == ("cat", "dog", "emu")


def test_classes_may_be_called_like_splits(tmp_path: Path) -> None:
    for name in ("bus/1.png", "train/2.png"):
        write(tmp_path / "traffic" / name)
    with pytest.raises(Refusal, match="train/ is named like a split and stands beside bus/: --as splits takes train"):
        open_images(tmp_path / "traffic")
    assert splits_of(tmp_path / "traffic", as_="classes") == ()
    assert open_images(tmp_path / "traffic", as_="classes").classes == ("bus", "train")
    assert list(open_images(tmp_path / "traffic", as_="splits").names) == ["2.png"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    source = folder(tmp_path / "images" / "one", 2)
    (source / "up").symlink_to(tmp_path / "images", target_is_directory=True)
    (source / "nowhere.png").symlink_to("missing.png")
    images = open_images(tmp_path / "images")
    assert len(images) == 2
    assert images.skipped == ("one/nowhere.png",)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no images in this folder"):
        open_images(tmp_path)


def test_damaged_files_are_skipped_and_named(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 3)
    (source / "text.png").write_text("not an image")
    whole = write(tmp_path / "whole.jpg", size=(64, 64)).read_bytes()
    (source / "half.jpg").write_bytes(whole[: len(whole) // 2])
    images = open_images(source, size=10)
    assert images.skipped == ("half.jpg", "text.png")
    assert list(images.names) == ["000.png", "001.png", "002.png"]
    assert images.remarks == ()
    for i in (3, 4, 5):
        (source / f"{i}.gif").write_bytes(b"GIF89a")
    assert open_images(source, size=10).remarks == ("5 of 8 images could not be decoded, first 3.gif: not an image",)


def test_nothing_left(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / "images" / f"{i}.png").write_text("not an image")
    for options in ({}, {"size": 8, "channels": 1}):
        with pytest.raises(Refusal, match=r"none of 3 images could be decoded; the first is 0.png: not an image"):
            open_images(tmp_path / "images", **options)


def test_bombs_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "images", 2)
    write(tmp_path / "images/bomb.png", size=(40, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    assert open_images(tmp_path / "images").skipped == ("bomb.png",)


# ---- sizes and channels


def test_own_size_may_be_oblong(tmp_path: Path) -> None:
    assert open_images(folder(tmp_path / "images", 3, size=(24, 16))).shape == (3, 16, 24)


@pytest.mark.parametrize("odd", [(13, 10), (1, 1)])
@pytest.mark.parametrize("probed", [256, 2])
def test_mixed_sizes(tmp_path: Path, odd: tuple[int, int], probed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "PROBED", probed)  # the odd one is seen before or while decoding
    source = folder(tmp_path / "images", 3)
    write(source / "odd.png", size=odd)
    images = open_images(source)
    assert images.shape == (3, 64, 64)
    assert images.remarks == (target.MIXED,)
    assert open_images(source, size=8).remarks == ()


def test_single_pixels_are_scaled(tmp_path: Path) -> None:
    images = open_images(folder(tmp_path / "images", 2, size=(1, 1)))
    assert (images.shape, images.remarks) == ((3, 64, 64), (target.MIXED,))


MOSTLY_COLOUR = "grey, repeated in three channels, as most are in colour; --channels 1 takes all in grey"
MOSTLY_GREY = "in colour, turned grey, as most are; --channels 3 takes all in colour"


def mixed(path: Path, *modes: str) -> Path:
    for number, mode in enumerate(modes):
        write(path / f"{number:03}.png", mode, seed=number)
    return path


def test_of_grey_and_colour_together_the_majority_decides(tmp_path: Path) -> None:
    source = mixed(tmp_path / "images", "RGB", "L", "RGB", "RGB")
    for channels, shape, remark in (
        (None, (3, 10, 12), f"1 of 4 images: {MOSTLY_COLOUR}"),
        (3, (3, 10, 12), "1 of 4 images: grey, repeated in three channels"),
        (1, (1, 10, 12), "3 of 4 images: in colour, turned grey"),
    ):
        images = open_images(source, channels=channels)
        assert (images.shape, images.remarks) == (shape, (remark,))
    grey = open_images(mixed(tmp_path / "grey", "L", "RGB", "L"))
    assert (grey.shape, grey.remarks) == ((1, 10, 12), (f"1 of 3 images: {MOSTLY_GREY}",))
    assert (grey.pixels[1, :, :, 0] == np.asarray(noise("RGB", seed=1).convert("L"))).all()
    half = open_images(mixed(tmp_path / "half", "L", "RGB", "RGB", "L"))  # in colour nothing is lost
    assert (half.shape, half.remarks) == ((3, 10, 12), (f"2 of 4 images: {MOSTLY_COLOUR}",))


def test_images_that_cannot_be_read_do_not_vote(tmp_path: Path) -> None:
    source = mixed(tmp_path / "images", "L", "L", "RGB", "RGB", "RGB")
    for name in ("002.png", "003.png"):  # whose greyness would be known by their names alone
        (source / name).write_bytes(b"no image")
    images = open_images(source)
    assert (images.shape, images.skipped) == ((1, 10, 12), ("002.png", "003.png"))
    assert images.remarks == (f"1 of 5 images: {MOSTLY_GREY}",)


def test_the_sample_is_of_the_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "PROBED", 4)
    monkeypatch.setattr(target, "BLOCK", 1)
    source = mixed(tmp_path / "images", *"LLLLL", *["RGB"] * 15)  # the first class is of another kind
    assert open_images(source).remarks == (f"5 of 20 images: {MOSTLY_COLOUR}",)
    for number in range(17):  # where nothing of the sample opens, what does open decides
        (source / f"{number:03}.png").write_bytes(b"no image")
    for number in (17, 18):
        write(source / f"{number:03}.png", "L")
    assert open_images(source).shape == (1, 10, 12)


def test_what_comes_after_the_sample_is_converted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "PROBED", 2)
    colour = mixed(tmp_path / "colour", "RGB", "RGB", "RGB", "L")
    assert open_images(colour).remarks == (f"1 of 4 images: {MOSTLY_COLOUR}",)
    grey = mixed(tmp_path / "grey", "L", "L", "L", "RGB")
    assert open_images(grey).remarks == (f"1 of 4 images: {MOSTLY_GREY}",)


def test_conversions_are_told_with_their_number(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 2)
    noise().quantize(8).save(source / "palette.png")
    write(source / "cmyk.tif", "CMYK")
    write(source / "alpha.png", "RGBA")
    Image.fromarray(np.full((10, 12), 60000, np.uint16)).save(source / "deep.png")
    images = open_images(source, channels=3)
    assert (images.pixels[list(images.names).index("deep.png")] == round(60000 / 257)).all()
    assert images.remarks == (
        "1 of 6 images: CMYK, turned into RGB",
        "1 of 6 images: with transparency, laid on white",
        "1 of 6 images: more than 8 bits; values of 0 to 65,535 are drawn from black to white",
        "1 of 6 images: grey, repeated in three channels",
        "1 of 6 images: with a palette, its colours looked up",
        "the other images have 8 bits, whose 0 to 255 are drawn from black to white",
    )


# ---- names and splits


@pytest.mark.parametrize(
    ("source", "options", "complaint"),
    [
        ("mnits", {}, "did you mean mnist?"),
        ("scnes:test", {}, "did you mean scenes?"),
        ("no/such/folder", {}, "neither a folder or file that exists nor the name"),
        ("digits", {"split": "validation"}, "digits has no split validation; it has train, test"),
        ("digits:test", {"split": "train"}, "contradict"),
        ("digits", {"size": 0}, "size 0: expected"),
        ("digits", {"channels": 2}, "channels 2: expected"),
        ("scenes", {"size": 48}, "expected 32 or 64"),
        (__file__, {}, "expected a folder, a .parquet file or an uncompressed .tar file"),
    ],
)
def test_refusals(source: str, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint.replace("?", r"\?")) as refusal:
        open_images(source, **options)
    assert "\n" not in str(refusal.value)


def test_a_split_of_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="has no split test; it has no splits: leave the split out"):
        open_images(folder(tmp_path / "images", 1), split="test")


def test_a_built_in_name_wins_but_a_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "digits", 1)
    monkeypatch.chdir(tmp_path)
    assert open_images("digits").shape == (1, 8, 8)
    assert open_images(Path("digits")).shape == open_images("./digits").shape == (3, 10, 12)


def test_all_names_are_listed_with_a_line() -> None:
    listed = dict(list_data())
    assert {"digits", "scenes", "mnist", "cifar10", "celeba", "places"} <= set(listed)
    assert all(line and "\n" not in line for line in listed.values())


# ---- built in


def test_digits() -> None:
    train, test = open_images("digits"), open_images("digits:test")
    assert (len(train), len(test), train.shape) == (1297, 500, (1, 8, 8))
    assert not set(train.names) & set(test.names)
    assert (train.pixels.min(), train.pixels.max()) == (0, 255)
    share = np.bincount(test.label, minlength=10) / np.bincount(np.concatenate([train.label, test.label]))
    assert np.abs(share - 500 / 1797).max() < 0.01
    assert train.classes == tuple("0123456789")


def test_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "SCENES", {"train": (6, 0), "test": (4, 1)})
    drawn = builtin.Scenes("test", 64).contents()
    images = open_images("scenes:test", size=64)
    assert images.shape == (3, 64, 64)
    assert (images.pixels == drawn.pixels).all()
    assert (images.label == drawn.label).all()
    assert [list(texts) for texts in images.captions] == [list(texts) for texts in drawn.captions]
    assert set(images.truth) == set(drawn.truth) != set()
    assert all((images.truth[name] == drawn.truth[name]).all() for name in drawn.truth)
    assert open_images("scenes").shape == (3, 32, 32)


# ---- torchvision


def test_torchvision_data_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="--data-root DIR says where it is, --download fetches it"):
        open_images("cifar10", root=tmp_path)


def published(
    monkeypatch: pytest.MonkeyPatch, root: Path, kind: str, marker: str, **fields: Any
) -> list[dict[str, Any]]:
    """Puts an object with these fields in place of one of torchvision's classes; returns what it was called with."""
    datasets = pytest.importorskip("torchvision.datasets")
    calls: list[dict[str, Any]] = []

    def construct(root: Path, **options: Any) -> SimpleNamespace:
        calls.append(options)
        write(root / marker, format="PNG")
        return SimpleNamespace(root=root, **fields)

    monkeypatch.setattr(datasets, kind, construct)
    return calls


def test_arrays_of_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    calls = published(monkeypatch, tmp_path, "SVHN", "test_32x32.mat", data=pixels, labels=np.array([3, 0, 9, 1]))
    images = open_images("svhn:test", root=tmp_path, download=True)
    assert calls[0] == {"download": True, "split": "test"}
    assert (images.pixels == pixels.transpose(0, 2, 3, 1)).all()
    assert images.label.tolist() == [3, 0, 9, 1]
    assert len(images.classes) == 10
    n = len(calls)
    open_images("svhn:test", root=tmp_path)
    assert len(calls) == n  # out of the pack, without torchvision


def test_binarized_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.repeat(np.array([0, 51, 128, 255], np.uint8), 28 * 28 * 50).reshape(200, 28, 28)
    fields = {"data": grey, "targets": np.zeros(200, int), "classes": ["0 - zero"]}
    published(monkeypatch, tmp_path, "MNIST", "MNIST/raw/t10k", **fields)
    write(tmp_path / "MNIST/raw/t10k", format="PNG")
    images = open_images("binarized-mnist:test", root=tmp_path)
    assert set(np.unique(images.pixels)) == {0, 255}
    share = (images.pixels == 255).reshape(4, -1).mean(axis=1)
    assert share[0] == 0
    assert share[3] == 1
    # sd of a share of 39,200 draws is at most .0025: a false alarm (5 sd) once in 1.7 million
    assert abs(share[1] - 51 / 255) < 0.0127
    assert abs(share[2] - 128 / 255) < 0.0127
    assert images.classes == ("0",)


def test_files_of_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "celeba/img_align_celeba", 2, size=(18, 22))
    attr = np.array([[1, 0], [0, 1]])
    names = {"filename": ["000.png", "001.png"], "attr": attr, "attr_names": ["Bald", "Smiling", ""]}
    calls = published(monkeypatch, tmp_path, "CelebA", "celeba/list_attr_celeba.txt", base_folder="celeba", **names)
    images = open_images("celeba:val", root=tmp_path, download=True)
    assert calls[0]["split"] == "valid"
    assert images.shape == (3, 22, 18)
    assert images.attributes == ("Bald", "Smiling")
    assert (images.attribute == attr).all()


@pytest.mark.parametrize(
    ("source", "names", "expected"),
    [
        ("celeba-eye", ("eyeglasses",), {"000": [0], "001": [1], "002": [0]}),
        ("celeba-facial", ("facial hair",), {"000": [1], "001": [0], "002": [1], "003": [1], "004": [0], "005": [0]}),
        ("celeba-eyefacial", ("eyeglasses", "facial hair"), None),
    ],
)
def test_introvacs_sets_are_parts_of_celeba(
    source: str,
    names: tuple[str, ...],
    expected: dict[str, list[int]] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder(tmp_path / "celeba/img_align_celeba", 8, size=(18, 22))
    columns = ["Eyeglasses", "Goatee", "Mustache", "No_Beard", "Smiling", ""]
    attr = np.array([[0, 1, 0, 1, 0], [1, 0, 0, 1, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0], *[[0, 0, 0, 1, 1]] * 4])
    fields = {"filename": [f"{row:03}.png" for row in range(8)], "attr": attr, "attr_names": columns}
    published(monkeypatch, tmp_path, "CelebA", "celeba/list_attr_celeba.txt", base_folder="celeba", **fields)
    images = open_images(f"{source}:train", root=tmp_path, download=True)
    assert images.attributes == names
    if expected is None:  # four with either, and as many with neither
        assert images.attribute.any(1).tolist() == [True] * 4 + [False] * 4
    else:
        assert {name[:3]: row.tolist() for name, row in zip(images.names, images.attribute, strict=True)} == expected


@pytest.mark.parametrize(
    ("source", "folders", "file"),
    [
        ("caltech101", ("101_ObjectCategories/accordion", "101_ObjectCategories/ant"), "image_{1:04d}.jpg"),
        ("caltech256", ("256_ObjectCategories/001.ak47", "256_ObjectCategories/002.bat"), "{0:03d}_{1:04d}.jpg"),
    ],
)
def test_a_set_of_torchvisions_without_splits_gets_ours(
    source: str, folders: tuple[str, ...], file: str, tmp_path: Path
) -> None:
    pytest.importorskip("torchvision")
    each = VISION[source].each
    for category, name in enumerate(folders, 1):
        for number in range(1, each + 3 * category + 1):
            write(tmp_path / source / name / file.format(category, number), size=(9, 8), seed=number)
    if source == "caltech101":
        with pytest.raises(Refusal, match="caltech101 is not in "):  # torchvision's reader asks for that folder
            open_images("caltech101:train", root=tmp_path, size=8)
        (tmp_path / source / "101_ObjectCategories" / "BACKGROUND_Google").mkdir()
    parts = {split: open_images(f"{source}:{split}", root=tmp_path, size=8) for split in ("train", "test")}
    assert [np.bincount(images.label).tolist() for images in parts.values()] == [[each, each], [3, 6]]
    assert not set(parts["train"].names) & set(parts["test"].names)
    assert parts["train"].classes == tuple(Path(name).name.split(".")[-1] for name in folders)
    again = open_images(f"{source}:train", root=tmp_path, size=8)
    assert list(again.names) == list(parts["train"].names)


@needs_shared
def test_mnist() -> None:
    pytest.importorskip("torchvision")
    images = open_images("mnist:test", root=SHARED)
    assert images.pixels.shape == (10000, 28, 28, 1)
    assert images.label[:5].tolist() == [7, 2, 1, 0, 4]


# ---- shards


def test_parquet(tmp_path: Path) -> None:
    cells = [{"bytes": png(seed=i), "path": f"b'{i}.png'"} for i in range(150)]
    cells[7]["bytes"] = b"no image"
    columns = {
        "image": cells,
        "label": [i % 3 for i in range(149)] + [None],
        "captions": [[f"image {i}", "an image"] if i else None for i in range(150)],
        "round": [i % 2 == 0 for i in range(150)],
        "red": [i % 2 for i in range(149)] + [-1],
        "count": list(range(150)),
    }
    parquet(
        tmp_path / "set/data/train-00000-of-00002.parquet", {k: v[:140] for k, v in columns.items()}, row_group_size=100
    )
    parquet(tmp_path / "set/data/train-00001-of-00002.parquet", {k: v[140:] for k, v in columns.items()})
    parquet(tmp_path / "set/data/test-00000-of-00001.parquet", {"image": cells[:2], "label": [3, 0]})
    (tmp_path / "set/names.json").write_text(
        json.dumps({"label": ["b'ant'", "bee", "cow", "dog"], "attributes": ["red"]})
    )
    assert splits_of(tmp_path / "set") == ("train", "test")
    images = open_images(tmp_path / "set")
    kept = [i for i in range(150) if i != 7]
    assert list(images.names) == [f"{i}.png" for i in kept]
    assert images.skipped == ("7.png",)
    assert all((images.pixels[at] == np.asarray(noise(seed=i))).all() for at, i in enumerate(kept))
    assert images.label.tolist() == [-1 if i == 149 else i % 3 for i in kept]
    assert images.classes == ("ant", "bee", "cow", "dog")
    assert images.attributes == ("round", "red")
    assert images.attribute[[0, 1, -1]].tolist() == [[1, 0], [0, 1], [0, -1]]
    assert [list(texts) for texts in images.captions[:2]] == [[], ["image 1", "an image"]]


def test_plain_parquet_of_bytes(tmp_path: Path) -> None:
    file = parquet(tmp_path / "any.parquet", {"img": [png("L", seed=i) for i in range(3)], "label": ["b", "a", None]})
    images = open_images(file)
    assert images.shape == (1, 10, 12)
    assert list(images.names) == [f"any.parquet:{i}" for i in range(3)]
    assert (images.label.tolist(), images.classes) == ([1, 0, -1], ("a", "b"))
    with pytest.raises(Refusal, match="has no splits"):
        open_images(file, split="train")


def test_bad_parquet(tmp_path: Path) -> None:
    good = parquet(tmp_path / "train.parquet", {"image": [png()], "label": [5]})
    (tmp_path / "names.json").write_text('{"label": ["one", "two"]}')
    with pytest.raises(Refusal, match="class number 5, but 2 classes are known; expected 0 to 1"):
        open_images(good)
    (tmp_path / "cut.parquet").write_bytes(good.read_bytes()[:-20])
    with pytest.raises(Refusal, match=r"cut.parquet: not a whole Parquet file"):
        open_images(tmp_path / "cut.parquet")
    with pytest.raises(Refusal, match=r"cut.parquet: not a whole Parquet file"):  # among others too: it may be a shard
        open_images(tmp_path)
    with pytest.raises(Refusal, match="no column image; it has photo"):
        open_images(parquet(tmp_path / "other.parquet", {"photo": [png()]}))


def test_tar_shards(tmp_path: Path) -> None:
    first = {
        "a/1.png": png(seed=1),
        "a/1.cls": b"2\n",
        "a/1.txt": b"a dog\nan animal\n",
        "a/2.png": b"no",
        "a/2.cls": b"0",
    }
    second = {"3.json": json.dumps({"label": 1, "caption": "a cat", "round": True}).encode(), "3.png": png(seed=3)}
    tar(tmp_path / "set/train-000.tar", first)
    tar(tmp_path / "set/train-001.tar", second)
    tar(tmp_path / "set/test-000.tar", {"4.png": png(seed=4), "4.cls": b"4", "5.seg.png": b"", "readme.md": b""})
    images, test = open_images(tmp_path / "set"), open_images(f"{tmp_path}/set:test")
    assert list(images.names) == ["a/1.png", "3.png"]
    assert images.skipped == ("a/2.png",)
    assert (images.pixels[0] == np.asarray(noise(seed=1))).all()
    assert (images.pixels[1] == np.asarray(noise(seed=3))).all()
    assert (test.pixels[0] == np.asarray(noise(seed=4))).all()
    assert images.label.tolist() == [2, 1]
    assert images.classes == test.classes == tuple("01234")
    assert [list(texts) for texts in images.captions] == [["a dog", "an animal"], ["a cat"]]
    assert (images.attributes, images.attribute.tolist()) == (("round",), [[-1], [1]])


def test_bad_tar(tmp_path: Path) -> None:
    good = tar(tmp_path / "good.tar", {"1.png": png(), "1.jpg": png()})
    with pytest.raises(Refusal, match=r"two images share a key, 1.png and 1.jpg"):
        open_images(good)
    with pytest.raises(Refusal, match="no images in it"):
        open_images(tar(tmp_path / "none.tar", {"1.cls": b"1"}))
    with pytest.raises(Refusal, match=r"1.json is not understood"):
        open_images(tar(tmp_path / "json.tar", {"1.png": png(), "1.json": b"{"}))
    (tmp_path / "text.tar").write_text("no tar file, but long enough to look at" * 50)
    with pytest.raises(Refusal, match="not a whole, uncompressed tar file"):
        open_images(tmp_path / "text.tar")


@needs_shared
def test_real_parquet() -> None:
    images = open_images(SHARED / "flickr8k-1000", split="validation", size=32)
    assert images.pixels.shape == (113, 32, 32, 3)
    assert {len(texts) for texts in images.captions} == {5}
    assert not images.skipped
    assert splits_of(SHARED / "smiles") == ("train", "test")
