"""Labels, attributes and captions in Parquet and tar files, as other programs lay them out."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import noise

from latelier.data.images import Images
from latelier.data.packing import formats
from latelier.data.sources.open import open_images
from latelier.data.sources.survey import survey
from latelier.errors import Refusal

pa = pytest.importorskip("pyarrow")


def png(seed: int) -> bytes:
    file = io.BytesIO()
    noise(seed=seed).save(file, "PNG")
    return file.getvalue()


IMAGES = [png(i) for i in range(4)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def parquet(path: Path, metadata: dict[str, Any] | None = None, **columns: Any) -> Images:
    import pyarrow.parquet as pq

    table = pa.table({"image": pa.array(IMAGES), **columns})
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": metadata}})})
    pq.write_table(table, path / "set.parquet")
    return open_images(path / "set.parquet")


def named(images: Images) -> list[str | None]:
    return [images.classes[i] if i >= 0 else None for i in images.label]


@pytest.mark.parametrize(
    ("column", "classes", "found"),
    [
        (pa.array([0.0, np.nan, 1.0, None]), "01", ["0", None, "1", None]),
        (pa.array([0.0, np.nan, 1.0, None], pa.float32()), "01", ["0", None, "1", None]),
        (pa.array(["cat", "dog", None, "cat"]).dictionary_encode(), ("cat", "dog"), ["cat", "dog", None, "cat"]),
        (pa.array([2, 0, None, 2]).dictionary_encode(), "012", ["2", "0", None, "2"]),
        (pa.array(["b", "a", "", "nan"], pa.large_string()), "ab", ["b", "a", None, None]),
        (pa.array([b"b", b"a", b"", None]), "ab", ["b", "a", None, None]),
        (pa.array([Decimal("1.0"), Decimal("0.0"), None, Decimal("-1")]), "01", ["1", "0", None, None]),
        (pa.array([True, False, None, True]), ("False", "True"), ["True", "False", None, "True"]),
        (pa.array([7, 7, 255, 7], pa.uint8()), [str(i) for i in range(256)], ["7", "7", "255", "7"]),
        (pa.array(["10245612", "10245613", None, "1.0"]), ("1", "10245612", "10245613"), None),
        (pa.nulls(4), (), [None] * 4),
    ],
    ids=str,
)
def test_columns_of_labels(column: Any, classes: Sequence[str], found: list[str | None] | None, tmp_path: Path) -> None:
    images = parquet(tmp_path, label=column)
    assert images.classes == tuple(classes)
    assert named(images) == (found or ["10245612", "10245613", None, "1"])


def test_truth_values_are_named_like_numbers(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text('{"label": ["sad", "smiling"]}')
    assert named(parquet(tmp_path, label=[True, False, None, True])) == ["smiling", "sad", None, "smiling"]


def test_what_takes_no_part_is_said(tmp_path: Path) -> None:
    images = parquet(tmp_path, label=[-1, 0, None, -1], caption=["nan", None, "", "a dog"])
    assert images.remarks == (
        "column label: 2 values say nothing and were read so: -1 (2)",
        "column caption: 1 value says nothing and was read so: nan (1)",
    )
    several = parquet(tmp_path, labels=[[0, 1], [1], [], None])
    assert (several.classes, several.remarks) == ((), ("column labels holds lists: it is not used",))
    assert named(parquet(tmp_path, labels=[0, 1, None, 1])) == ["0", "1", None, "1"]


def test_captions_of_both_columns_are_the_images(tmp_path: Path) -> None:
    images = parquet(tmp_path, caption=["a", "b", None, ""], captions=[["a", "c"], [], None, ["d", None]])
    assert [list(texts) for texts in images.captions] == [["a", "c"], ["b"], [], ["d"]]


def test_listed_attributes_of_1_and_minus_1_are_yes_and_no(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text('{"attributes": ["hat"]}')
    images = parquet(tmp_path, hat=[1.0, -1.0, np.nan, 1.0])
    assert images.attribute[:, 0].tolist() == [1, 0, -1, 1]
    assert images.remarks == ("of the attributes the file holds 1 and -1 and no 0: -1 was read as no",)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ('{"label": "ab"}', r"names.json, label: 'ab' for names; expected a list of names"),
        ('{"label": ["a", null]}', r"names.json, label, name 2: None for a name; no class is called so"),
        ('{"label": ["a", ["b"]]}', r"names.json, label, name 2: a list, \['b'\] for a name"),
        ('["a", "b"]', r"names.json: expected .*, not \['a', 'b'\]"),
        ("[" * 100_000, r"names.json: not understood"),
        ('{"label": ["a"]}', "class number 1, but 1 classes are known; expected 0 to 0"),
    ],
)
def test_names_are_a_list_of_names(names: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(names)
    with pytest.raises(Refusal, match=complaint):
        parquet(tmp_path, label=[0, 1, 0, 1])


def test_names_of_the_schema_are_names_too(tmp_path: Path) -> None:
    feature = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    assert named(parquet(tmp_path, feature, label=[0, 1, -1, 1])) == ["cat", "dog", None, "dog"]
    with pytest.raises(Refusal, match=r"set.parquet, names of label, name 1: 'nan' for a name"):
        parquet(tmp_path, {"label": {"names": ["nan"]}}, label=[0, 0, 0, 0])
    assert parquet(tmp_path, {"label": {"dtype": "int64"}}, label=[0, 1, 0, 1]).classes == ("0", "1")


def test_columns_that_python_cannot_hold_are_refused(tmp_path: Path) -> None:
    times = pa.array([1, 2, 3, 10**18 + 1], pa.timestamp("ns"))
    with pytest.raises(Refusal, match=r"set.parquet(, row 0: a time|: column label cannot be read)"):
        parquet(tmp_path, label=times)


def tar(path: Path, files: dict[str, bytes]) -> Images:
    with tarfile.open(path / "set.tar", "w") as shard:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            shard.addfile(info, io.BytesIO(content))
    return open_images(path / "set.tar")


@pytest.mark.parametrize("order", [1, -1])
def test_a_caption_that_stands_in_two_files_is_one(order: int, tmp_path: Path) -> None:
    """As img2dataset has it, in the order of its shards and in another."""
    files = {"0.png": IMAGES[0], "0.txt": b"a dog\n", "0.json": b'{"caption": "a dog", "captions": ["two", null]}'}
    files |= {"1.png": IMAGES[1], "1.json": b'{"caption": null, "error_message": null, "width": 32}'}
    images = tar(tmp_path, dict(list(files.items())[::order]))
    found = {name: sorted(texts) for name, texts in zip(images.names, images.captions, strict=True)}
    assert found == {"0.png": ["a dog", "two"], "1.png": []}
    assert images.attributes == ()


def test_labels_of_two_files_must_agree(tmp_path: Path) -> None:
    files = {"0.png": IMAGES[0], "0.cls": b"1\n", "0.json": b'{"label": 1.0}'}
    assert tar(tmp_path, files).label.tolist() == [1]
    with pytest.raises(Refusal, match=r"set.tar: 0.json is not understood: label cat, but 1 in a file of the same key"):
        tar(tmp_path, files | {"0.json": b'{"label": "cat"}'})


def test_attributes_of_json_are_what_is_true_or_false_somewhere_or_listed(tmp_path: Path) -> None:
    told = ({"hat": True, "size": 1}, {"hat": 0, "size": "big", "old": "1.0"}, {"hat": None}, {"hat": "True", "old": 0})
    files = {f"{i}.png": content for i, content in enumerate(IMAGES)}
    files |= {f"{i}.json": json.dumps(said).encode() for i, said in enumerate(told)}
    images = tar(tmp_path, files)
    assert (images.attributes, images.attribute[:, 0].tolist()) == (("hat",), [1, 0, -1, 1])
    (tmp_path / "names.json").write_text('{"attributes": ["old"]}')
    images = tar(tmp_path, files)
    assert (images.attributes, images.attribute[:, 1].tolist()) == (("hat", "old"), [-1, 1, -1, 0])
    with pytest.raises(Refusal, match=r"set.tar: 4.json is not understood: 'yes' for hat; expected 1, 0, True, False"):
        tar(tmp_path, {**files, "4.png": IMAGES[0], "4.json": b'{"hat": "yes"}'})


def test_words_that_are_numbers_make_no_classes_between_them(tmp_path: Path) -> None:
    files = {f"{i}.png": content for i, content in enumerate(IMAGES[:2])}
    text = {f"{i}.json": json.dumps({"label": str(i * 10**7)}).encode() for i in range(2)}
    assert tar(tmp_path, files | text).classes == ("0", "10000000")
    assert tar(tmp_path, files | {"0.cls": b"0", "1.cls": b"2.0"}).classes == ("0", "1", "2")


@pytest.mark.parametrize(
    "after", [lambda half: b"\0" * 512 + half, lambda half: b"x" + half[1:], lambda half: half[:100]]
)
def test_no_member_is_lost_after_a_damaged_header(after: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Python's tarfile takes it for the end: of a header of zeros, of one with a changed byte, of a cut one."""
    tar(tmp_path, {f"{i}.png": content for i, content in enumerate(IMAGES)})
    content = (tmp_path / "set.tar").read_bytes()
    half = content.index(b"2.png")
    (tmp_path / "set.tar").write_bytes(content[:half] + after(content[half:]))
    with pytest.raises(
        Refusal, match=r"set.tar: not a whole.*no member begins at byte [\d,]+: its header is damaged, or"
    ):
        open_images(tmp_path / "set.tar")


def test_two_tar_files_in_one_are_not_half_read(tmp_path: Path) -> None:
    for name, content in zip(("a.tar", "b.tar"), IMAGES[:2], strict=True):
        tar(tmp_path, {"0.png": content})
        (tmp_path / "set.tar").rename(tmp_path / name)
    (tmp_path / "set.tar").write_bytes(b"".join((tmp_path / name).read_bytes() for name in ("a.tar", "b.tar")))
    with pytest.raises(Refusal, match="or two were joined"):
        open_images(tmp_path / "set.tar")


def test_a_tar_file_without_its_end_may_have_been_cut(tmp_path: Path) -> None:
    assert not any("was it cut" in remark for remark in tar(tmp_path, {"0.png": IMAGES[0]}).remarks)
    content = (tmp_path / "set.tar").read_bytes()
    (tmp_path / "set.tar").write_bytes(content[: len(content.rstrip(b"\0")) // 512 * 512 + 512])
    assert any(
        "set.tar does not end as a tar file does: was it cut" in r for r in open_images(tmp_path / "set.tar").remarks
    )


def test_folders_in_a_tar_file_are_said_to_be_no_classes(tmp_path: Path) -> None:
    files = {f"{i}/{i}.png": content for i, content in enumerate(IMAGES)}
    remarks = tar(tmp_path, files).remarks
    assert any(remark.startswith("folders in tar files (0, 1, 2) are no classes: unpack them") for remark in remarks)
    assert not any("no classes" in remark for remark in tar(tmp_path, files | {"0/0.cls": b"1"}).remarks)


def test_attributes_whose_names_garble_a_terminal_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"the attribute 'hat\\x1b\[2J' holds a control character; rename it"):
        tar(tmp_path, {"0.png": IMAGES[0], "0.json": json.dumps({"hat\x1b[2J": True}).encode()})
    with pytest.raises(Refusal, match=r"set.parquet: the attribute .* holds a control character"):
        parquet(tmp_path, **{"hat\x1b[2J": [True] * 4})


def test_names_with_more_dots_are_images_of_their_own(tmp_path: Path) -> None:
    """Unless their key up to the first dot has an image, or a file that tells, as in a shard of webdataset."""
    names = ("Bild 1.2.png", "Shot 10.30.20.png", "Shot 10.30.40.PNG", "plain.png")
    images = tar(tmp_path, {**dict(zip(names, IMAGES, strict=True)), "Bild 1.2.txt": b"a dog"})
    assert (tuple(images.names), [list(texts) for texts in images.captions]) == (names, [["a dog"], [], [], []])
    masked = {"0.png": IMAGES[0], "0.mask.png": IMAGES[1], "1.mask.png": IMAGES[2], "1.CLS": b"0", "0.cls": b"1"}
    images = tar(tmp_path, masked)
    assert (list(images.names), images.label.tolist()) == (["0.png"], [1])
    assert "2 files are not used in tar files (latelier data SRC says which)" in images.remarks
    beside = {"0.png": IMAGES[0], "0.mask.png": IMAGES[1], "1.png": IMAGES[2], "1.mask.png": IMAGES[3]}
    images = tar(tmp_path, beside)
    assert (list(images.names), len(images.remarks)) == (["0.png", "1.png"], 1)
    stray = {"2020.01.05 x.png": IMAGES[0], "2020.01.06 y.png": IMAGES[1], "README.txt": b"of our holidays"}
    assert list(tar(tmp_path, stray).names) == ["2020.01.05 x.png", "2020.01.06 y.png"]
    left = {"0.left.png": IMAGES[0], "0.cls": b"1", "1.left.png": IMAGES[2], "1.CLS": b"0"}
    images = tar(tmp_path, left)
    assert (list(images.names), images.label.tolist()) == (["0.left.png", "1.left.png"], [1, 0])
    with pytest.raises(Refusal, match=r"two images share a key, 1\.left\.png and 1\.right\.png; expected one"):
        tar(tmp_path, {**left, "1.right.png": IMAGES[3]})


def test_images_in_a_tar_file_that_are_not_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda extra: False)
    images = tar(tmp_path, {"0.png": IMAGES[0], "1.heic": b"x", "2.heic": b"y", "notes.md": b"z"})
    assert "2 .heic images are not read: pip install 'latelier[heif]'" in images.remarks
    assert "1 file is not used in tar files (latelier data SRC says which)" in images.remarks
    found = survey(tmp_path / "set.tar")
    assert (found.inside, dict(found.unused)) == (
        4,
        {(".heic", "pip install 'latelier[heif]'"): 2, (".md", "not read"): 1},
    )
    assert not any("says which" in line for line in found.remarks)


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    for names in (["cat", "cat"], ["caf\xe9", "cafe\u0301"]):
        (tmp_path / "names.json").write_text(json.dumps({"label": names}))
        with pytest.raises(Refusal, match=r"names.json, label: two are called '.*'; name them apart"):
            parquet(tmp_path, label=[0, 1, 0, 1])
    (tmp_path / "names.json").write_text('{"lables": ["cat", "dog"]}')
    with pytest.raises(Refusal, match=r"names.json: names nothing that is read; expected one of attributes"):
        parquet(tmp_path, label=[0, 1, 0, 1])


def test_class_folders_of_parquet_files_are_said_to_be_none(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "all" / name).mkdir(parents=True)
        parquet(tmp_path / "all" / name, caption=["a", "b", "c", "d"], captions=[["e"]] * 4)
    images = open_images(tmp_path / "all")
    assert "folders of Parquet files (cat, dog) are no classes: a column label is" in images.remarks
    assert not any("columns not used" in line for line in survey(tmp_path / "all").remarks)
