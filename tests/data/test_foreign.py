"""Values that other programs write, in every place that has some: each has its meaning there, or is refused with file,
row and column. The table of docs/values.md, carried out."""

import csv
import io
import json
import tarfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from made import folder, noise

from latelier.data.images import Images
from latelier.data.sources.labels_file import labelled
from latelier.data.sources.open import open_images
from latelier.data.sources.shares import class_shares
from latelier.errors import Refusal

OUT = "refused"
NAN = float("nan")


class Case(NamedTuple):
    """A value, and what it means as the class, the attribute and the captions of an image."""

    value: Any
    label: str | None
    attribute: int | str
    captions: tuple[str, ...] | str


TEXT = [
    Case("", None, -1, ()),
    Case(" ", None, -1, ()),
    Case("nan", None, -1, ()),
    Case("NaN", None, -1, ()),
    Case("None", None, -1, ()),
    Case("null", None, -1, ()),
    Case("<NA>", None, -1, ()),
    Case("NA", "NA", -1, ()),
    Case("none", "none", OUT, ("none",)),
    Case("1", "1", 1, ("1",)),
    Case("1.0", "1", 1, ("1.0",)),
    Case(" 0 ", "0", 0, ("0",)),
    Case("007", "007", OUT, ("007",)),
    Case("-1", None, -1, ("-1",)),
    Case("-1.0", None, -1, ("-1.0",)),
    Case("-2", OUT, OUT, ("-2",)),
    Case("2.5", OUT, OUT, ("2.5",)),
    Case("inf", OUT, OUT, ("inf",)),
    Case("1e+30", OUT, OUT, ("1e+30",)),
    Case(str(10**30), OUT, OUT, (str(10**30),)),
    Case("True", "True", 1, ("True",)),
    Case("false", "False", 0, ("false",)),
    Case("cat", "cat", OUT, ("cat",)),
    Case("b'cat'", "cat", OUT, ("cat",)),
    Case(r"b'caf\xc3\xa9'", "caf\xe9", OUT, ("caf\xe9",)),
    Case(r"b'caf\xe9'", OUT, OUT, OUT),
    Case("b'caf\xe9'", "b'caf\xe9'", OUT, ("b'caf\xe9'",)),
    Case(r"b'\d'", r"b'\d'", OUT, (r"b'\d'",)),
    Case("cafe\u0301", "caf\xe9", OUT, ("caf\xe9",)),
    Case("2024-01-02", "2024-01-02", OUT, ("2024-01-02",)),
    Case("[1, 2]", OUT, OUT, ("[1, 2]",)),
    Case("['a dog', 'a cat']", OUT, OUT, ("a dog", "a cat")),
    Case('{"a": 1}', OUT, OUT, ('{"a": 1}',)),
    Case("a\x1b[2Jb", OUT, OUT, ("a [2Jb",)),
]
JSON = [
    Case(None, None, -1, ()),
    Case(NAN, None, -1, ()),
    Case(1, "1", 1, OUT),
    Case(1.0, "1", 1, OUT),
    Case(0, "0", 0, OUT),
    Case(-1, None, -1, OUT),
    Case(-2, OUT, OUT, OUT),
    Case(2.5, OUT, OUT, OUT),
    Case(float("inf"), OUT, OUT, OUT),
    Case(True, "True", 1, OUT),
    Case(False, "False", 0, OUT),
    Case(["a dog", None, " a cat"], OUT, OUT, ("a dog", "a cat")),
    Case([], OUT, OUT, ()),
    Case([1, 2], OUT, OUT, OUT),
    Case([["a"]], OUT, OUT, OUT),
    Case({"a": 1}, OUT, OUT, OUT),
]
LARGE = Case(10**30, OUT, OUT, OUT)  # no column of whole numbers holds it
PARQUET = [
    Case(b"cat", "cat", OUT, ("cat",)),
    Case(b"\xff", OUT, OUT, OUT),
    Case(date(2024, 1, 2), OUT, OUT, OUT),
    Case(Decimal("1.00"), "1", 1, OUT),
    Case(Decimal("2.50"), OUT, OUT, OUT),
    Case(2**60, OUT, OUT, OUT),
]
Opened = Callable[[Any], Images]


def png(seed: int) -> bytes:
    file = io.BytesIO()
    noise(seed=seed).save(file, "PNG")
    return file.getvalue()


IMAGES = [png(i) for i in range(3)]


def table(path: Path, header: list[str], rows: list[list[Any]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def beside(path: Path, name: str, column: str) -> Opened:
    """In the second of three rows of a table beside images."""
    given = folder(path / "images", 3)

    def opened(value: Any) -> Images:
        table(given / name, ["file", column], [["000.png", ""], ["001.png", value], ["002.png", ""]])
        return open_images(given)

    return opened


def labels_file(path: Path) -> Opened:
    given = open_images(folder(path / "images", 3))
    return lambda value: labelled(
        given, table(path / "mine.csv", ["file", "class"], [["000.png", "zebra"], ["001.png", value]]), own=True
    )


def shard(path: Path, *told: tuple[str, Callable[[Any], bytes]]) -> Opened:
    """Beside the second of three images of a tar file: name and content."""

    def opened(value: Any) -> Images:
        members = [(f"{i}.png", content) for i, content in enumerate(IMAGES)]
        with tarfile.open(path / "set.tar", "w") as tar:
            for name, content in [*members, *((name, make(value)) for name, make in told)]:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return open_images(path / "set.tar")

    return opened


def json_of(key: str) -> Callable[[Any], bytes]:
    return lambda value: json.dumps({key: value}).encode()


OTHERS = (("0.json", lambda value: b'{"round": true}'), ("2.json", lambda value: b'{"round": false}'))


def parquet(path: Path, column: str) -> Opened:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (path / "names.json").write_text(json.dumps({"attributes": ["round"] if column == "round" else []}))

    def opened(value: Any) -> Images:
        columns = {"image": pa.array(IMAGES), column: pa.array([None, value, None])}
        pq.write_table(pa.table(columns), path / "set.parquet")
        return open_images(path / "set.parquet")

    return opened


def names_json(path: Path) -> Opened:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image": IMAGES, "label": [0, 1, 0]}), path / "set.parquet")

    def opened(value: Any) -> Images:
        (path / "names.json").write_text(json.dumps({"label": ["first", value]}))
        return open_images(path)

    return opened


PLACES: dict[str, tuple[str, Callable[[Path], Opened], list[Case], str]] = {  # what it is, all that it can hold, where
    "labels.csv": ("label", lambda path: beside(path, "labels.csv", "label"), TEXT, "row 3"),
    "attributes.csv": ("attribute", lambda path: beside(path, "attributes.csv", "round"), TEXT, "row 3"),
    "captions.csv": ("captions", lambda path: beside(path, "captions.csv", "caption"), TEXT, "row 3"),
    "mine.csv": ("label", labels_file, TEXT, "row 3"),
    "1.cls": ("label", lambda path: shard(path, ("1.cls", str.encode)), TEXT, "set.tar"),
    "1.txt": ("captions", lambda path: shard(path, ("1.txt", str.encode)), TEXT, "set.tar"),
    "1.json label": ("label", lambda path: shard(path, ("1.json", json_of("label"))), [*TEXT, *JSON, LARGE], "set.tar"),
    "1.json caption": (
        "captions",
        lambda path: shard(path, ("1.json", json_of("caption"))),
        [*TEXT, *JSON, LARGE],
        "set.tar",
    ),
    "1.json captions": (
        "captions",
        lambda path: shard(path, ("1.json", json_of("captions"))),
        [*TEXT, *JSON, LARGE],
        "set.tar",
    ),
    "1.json attribute": (
        "attribute",
        lambda path: shard(path, ("1.json", json_of("round")), *OTHERS),
        [*TEXT, *JSON, LARGE],
        "set.tar",
    ),
    "set.parquet label": ("label", lambda path: parquet(path, "label"), [*TEXT, *JSON, *PARQUET], "row 1"),
    "set.parquet caption": ("captions", lambda path: parquet(path, "caption"), [*TEXT, *JSON, *PARQUET], "row 1"),
    "set.parquet captions": ("captions", lambda path: parquet(path, "captions"), [*TEXT, *JSON, *PARQUET], "row 1"),
    "set.parquet round": ("attribute", lambda path: parquet(path, "round"), [*TEXT, *JSON, *PARQUET], "row 1"),
    "names.json label": ("label", names_json, [*TEXT, *JSON, LARGE], "name 2"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_value_means_the_same_everywhere(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what, make, cases, where = PLACES[place]
    opened = make(tmp_path)
    found, expected = {}, {}
    for number, case in enumerate(cases):
        monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / f"cache-{number}"))  # no other pack is looked through
        meaning = getattr(case, what)
        if place == "names.json label" and meaning is None:  # no class is called so
            meaning = OUT
        expected[repr(case.value)] = meaning
        try:
            images = opened(case.value)
        except Refusal as refusal:
            said = str(refusal)
            assert "\n" not in said
            assert where in said, said
            assert all(word in said for word in place.replace("attribute", "").split()), said
            found[repr(case.value)] = OUT
        else:
            found[repr(case.value)] = told(images, what)
            assert not set(images.classes) & {"nan", "NaN", "None", "null", "<NA>", ""}
    assert found == expected


def told(images: Images, what: str) -> Any:
    """What is known of the second image."""
    if what == "label":
        return images.classes[images.label[1]] if images.label[1] >= 0 else None
    return int(images.attribute[1, 0]) if what == "attribute" else tuple(images.captions[1])


@pytest.mark.parametrize("case", TEXT, ids=repr)
def test_shares_are_numbers_and_classes_are_read_as_in_labels(case: Case, tmp_path: Path) -> None:
    known = {"1": 1, "1.0": 1, " 0 ": 0, "007": 7, "1e+30": 1e30, str(10**30): 1e30, "2.5": 2.5}
    path = table(tmp_path / "shares.csv", ["class", "share"], [["a", "1"], ["b", case.value]])
    label = np.array([0, 1])
    if case.value in known:
        found = class_shares(str(path), ("a", "b"), label)
        assert found is not None
        assert found.tolist() == pytest.approx(
            [1 / (1 + known[case.value]), known[case.value] / (1 + known[case.value])]
        )
    else:
        with pytest.raises(Refusal, match=r"shares\.csv, row 3: a share is a number"):
            class_shares(str(path), ("a", "b"), label)
    table(path, ["class", "share"], [["a", "1"], [case.value, "3"]])
    if case.label in (None, OUT):
        with pytest.raises(Refusal, match=r"shares\.csv"):
            class_shares(str(path), ("a", "b"), label)
    else:
        found = class_shares(str(path), ("a", str(case.label)), label)
        assert found is not None
        assert found.tolist() == [0.25, 0.75]
