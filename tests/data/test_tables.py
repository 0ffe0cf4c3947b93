from collections.abc import Callable
from pathlib import Path

import pytest
from made import folder, write

from latelier.core import Refusal
from latelier.data.images import Images
from latelier.data.sources import open_images

Open = Callable[[str, str], Images]


@pytest.fixture
def with_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a folder of the pictures 000.png to 003.png with one table beside them."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    pictures = folder(tmp_path / "pictures", 4)

    def opened(name: str, text: str) -> Images:
        (pictures / name).write_text(text, encoding="utf-8")
        return open_images(pictures)

    return opened


def test_labels_are_numbered_by_name(with_table: Open) -> None:
    images = with_table("labels.csv", "file,label\n003.png,class 10\n000.png,class 2\n./001.png,\n002.png,class 10\n")
    assert images.classes == ("class 2", "class 10")
    assert images.label.tolist() == [0, -1, 1, 1]
    assert images.remarks == ()


def test_a_corrected_label_is_seen_without_decoding_again(
    with_table: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = with_table("labels.csv", "file,label\n000.png,a\n001.png,b\n")
    monkeypatch.setattr("latelier.data.pack.fill", None)
    after = with_table("labels.csv", "file,label\n000.png,b\n001.png,b\n002.png,a\n")
    assert (before.label.tolist(), after.label.tolist()) == ([0, 1, -1, -1], [1, 1, 0, -1])
    assert before.fingerprint != after.fingerprint
    assert after.remarks == ("labels.csv says nothing of 1 of 4 pictures",)


def test_equal_rows_may_repeat(with_table: Open) -> None:
    assert with_table("labels.csv", "file,label\n000.png,a\n000.png,a\n").label[0] == 0


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "labels.csv",
            "file,label\n000.png,a\nnot.png,b\nnor.png,b\n",
            r"names 2 files that are not there, first 'not.png'",
        ),
        ("labels.csv", "name,label\n000.png,a\n", r"must name the columns file,label; file is missing from name,label"),
        ("labels.csv", "000.png,a\n001.png,b\n", r"file,label is missing from 000.png,a"),
        ("labels.csv", "", r"missing from an empty file"),
        ("labels.csv", "file,label,label\n", r"twice"),
        (
            "labels.csv",
            "file,label\n000.png,a\n000.png,b\n",
            r"labels.csv, row 3: b for 000.png, but a in a row before",
        ),
        ("captions.csv", "file,caption\n000.png,a dog, and a cat\n", r"row 2: 3 cells, expected 2; .* quotes"),
        ("captions.csv", "file,caption\nnot.png,a dog\n", r"names 1 files that are not there"),
        ("captions.csv", "file\n000.png\n", r"caption is missing"),
        ("attributes.csv", "file,round\n000.png,yes\n", r"row 2: 'yes' for round; expected 1, 0"),
        ("attributes.csv", "file,round\n000.png,1\n000.png,0\n", r"row 3"),
        ("attributes.csv", "file,round\nnot.png,1\n", r"not there"),
    ],
)
def test_bad_tables_are_refused_in_one_line(with_table: Open, name: str, text: str, complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint) as refusal:
        with_table(name, text)
    assert "\n" not in str(refusal.value)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    pictures = folder(tmp_path / "pictures", 1)
    (pictures / "labels.csv").write_bytes("file,label\n000.png,Käse\n".encode("latin-1"))
    with pytest.raises(Refusal, match="not a CSV file in UTF-8"):
        open_images(pictures, cache=tmp_path / "cache")


def test_attributes(with_table: Open) -> None:
    images = with_table("attributes.csv", "round,file,red\n1,000.png,0\n,002.png,-1\n1,001.png,0\n")
    assert images.attributes == ("round", "red")
    assert images.attribute.tolist() == [[1, 0], [1, 0], [-1, -1], [-1, -1]]
    assert images.remarks == ("attributes.csv says nothing of 1 of 4 pictures",)


def test_attributes_as_celeba_has_them(with_table: Open) -> None:
    images = with_table("attributes.csv", "file,round\n" + "".join(f"00{i}.png,{1 - 2 * (i % 2)}\n" for i in range(4)))
    assert images.attribute[:, 0].tolist() == [1, 0, 1, 0]
    assert images.remarks == ("attributes.csv holds 1 and -1 and no 0: -1 was read as no",)


def test_captions(with_table: Open) -> None:
    images = with_table("captions.csv", 'file,caption\n001.png,one dog\n001.png,"a dog, brown"\n003.png,\n')
    assert [list(texts) for texts in images.captions] == [[], ["one dog", "a dog, brown"], [], []]
    assert images.remarks == ("captions.csv says nothing of 3 of 4 pictures",)


def test_splits_agree_on_classes(tmp_path: Path) -> None:
    for split, labels in (("train", "bc"), ("test", "ab")):
        for i in range(2):
            write(tmp_path / "pictures" / split / f"{i}.png")
        rows = "".join(f"{i}.png,{label}\n" for i, label in enumerate(labels))
        (tmp_path / "pictures" / split / "labels.csv").write_text(f"file,label\n{rows}")
    train, test = (open_images(tmp_path / "pictures", split=split, cache=tmp_path) for split in ("train", "test"))
    assert train.classes == test.classes == ("a", "b", "c")
    assert (train.label.tolist(), test.label.tolist()) == ([1, 2], [0, 1])
    (tmp_path / "pictures" / "labels.csv").write_text("file,label\n")
    with pytest.raises(Refusal, match="put one into each of test, train"):
        open_images(tmp_path / "pictures", cache=tmp_path)
