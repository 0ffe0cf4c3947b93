from collections.abc import Callable
from pathlib import Path

import pytest
from made import folder, write

from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.data.sources.survey import survey
from latelier.errors import Refusal

Open = Callable[[str, str], Images]


@pytest.fixture
def with_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a folder of the images 000.png to 003.png with one table beside them."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    source = folder(tmp_path / "images", 4)

    def opened(name: str, text: str) -> Images:
        (source / name).write_text(text, encoding="utf-8")
        return open_images(source)

    return opened


def test_labels_are_numbered_by_name(with_table: Open) -> None:
    images = with_table("labels.csv", "file,label\n003.png,class 10\n000.png,class 2\n./001.png,\n002.png,class 10\n")
    assert images.classes == ("class 2", "class 10")
    assert images.label.tolist() == [0, -1, 1, 1]
    assert images.remarks == ()


@pytest.mark.parametrize(
    "text",
    [
        "file,class\n000.png,a\n",
        "Filename,Category\n000.png,a\n",
        "name,label\n000.png,a\n",
        "file,label,class\n000.png,a,b\n",
        "file,class,label\n000.png,b,a\n",
    ],
)
def test_columns_are_called_as_in_a_labels_file(with_table: Open, text: str) -> None:
    """Of two that may hold classes ``label`` counts."""
    assert with_table("labels.csv", text).classes == ("a",)


def test_a_corrected_label_is_seen_without_decoding_again(
    with_table: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = with_table("labels.csv", "file,label\n000.png,a\n001.png,b\n")
    monkeypatch.setattr("latelier.data.packing.pack.fill", None)
    after = with_table("labels.csv", "file,label\n000.png,b\n001.png,b\n002.png,a\n")
    assert (before.label.tolist(), after.label.tolist()) == ([0, 1, -1, -1], [1, 1, 0, -1])
    assert before.fingerprint != after.fingerprint
    assert after.remarks == ("labels.csv says nothing of 1 of 4 images",)


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
        ("labels.csv", "who,label\n000.png,a\n", r"must name the columns file,label; file is missing from who,label"),
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
    source = folder(tmp_path / "images", 1)
    (source / "labels.csv").write_bytes("file,label\n000.png,Käse\n".encode("latin-1"))
    with pytest.raises(Refusal, match="not a CSV file in UTF-8"):
        open_images(source, cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "content",
    [
        b"file;label\n000.png;cat\n001.png;dog\n002.png;a, b\n",
        b"file\tlabel\n000.png\tcat\n001.png\tdog\n002.png\ta, b\n",
        b'sep=;\r\nfile;label\r\n000.png;cat\r\n001.png;dog\r\n002.png;"a, b"\r\n',
        'file,label\r\n000.png,cat\r\n001.png,dog\r\n002.png,"a, b"\r\n'.encode("utf-8-sig"),
        b'file,label\r000.png,cat\r001.png,dog\r002.png,"a, b"\r',
        'file;label\n000.png;cat\n001.png;dog\n002.png;"a, b"\n'.encode("utf-16"),
        'file,label\n000.png,cat\n001.png,dog\n002.png,"a, b"\n'.encode("utf-32"),
        b"\xfe\xff" + 'file,label\n000.png,cat\n001.png,dog\n002.png,"a, b"\n'.encode("utf-16-be"),
        b'\n,file,label,\n0,000.png,cat,\n\n1,001.png,dog,\n,,,\n2,002.png,"a, b",,,\n',
    ],
    ids=[
        "semicolons",
        "tabs",
        "Excel's first line",
        "BOM and CRLF",
        "CR",
        "UTF-16",
        "UTF-32",
        "UTF-16 BE",
        "pandas and blanks",
    ],
)
def test_tables_are_read_as_programs_save_them(content: bytes, tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 3)
    (source / "labels.csv").write_bytes(content)
    images = open_images(source, cache=tmp_path / "cache")
    assert [images.classes[i] for i in images.label] == ["cat", "dog", "a, b"]
    assert images.remarks == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            "file,label\n000.png,K\xe4se\n".encode("cp1252"),
            r"row 2 has 'K\\udce4se'; save it as CSV in UTF-8, or: iconv",
        ),
        ("file,l\xe4bel\n".encode("latin-1"), "its first line is not; save it"),
        ("file,label\n000.png,a\n".encode("utf-16-le"), "holds NUL, as UTF-16 without its mark does"),
        (b"\xff\xfef\x00i\x00\x00", "begins like UTF-16 and is not"),
        (b'file,label\n000.png,"a"b\n', r"row 2: this is no CSV \("),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_cause(content: bytes, complaint: str, tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 1)
    (source / "labels.csv").write_bytes(content)
    with pytest.raises(Refusal, match=complaint) as refusal:
        open_images(source, cache=tmp_path / "cache")
    assert "\n" not in str(refusal.value)


def test_labels_as_pandas_writes_them(with_table: Open) -> None:
    """Whole numbers with gaps are floats there; a number is the class of that name, and no other is made."""
    images = with_table("labels.csv", "file,label\n000.png,2019.0\n001.png,\n002.png,-1.0\n003.png,2021.0\n")
    assert images.classes == ("2019", "2021")
    assert images.label.tolist() == [0, -1, -1, 1]
    assert images.remarks == ("labels.csv: 1 value says nothing and was read so: -1.0 (1)",)
    truths = with_table("labels.csv", "file,label\n000.png,True\n001.png,False\n002.png,nan\n003.png,TRUE\n")
    assert (truths.classes, truths.label.tolist()) == (("False", "True"), [1, 0, -1, 1])
    with pytest.raises(Refusal, match="labels are truth values in one place and numbers in another"):
        with_table("labels.csv", "file,label\n000.png,True\n001.png,1\n")


def test_attributes_as_pandas_writes_them(with_table: Open) -> None:
    text = ",file,round,red\n0,000.png,1.0,True\n1,001.png,0.0,False\n2,002.png,-1.0,\n3,003.png,,nan\n"
    images = with_table("attributes.csv", text)
    assert images.attributes == ("round", "red")
    assert images.attribute.tolist() == [[1, 1], [0, 0], [-1, -1], [-1, -1]]


def test_captions_as_pandas_writes_them(with_table: Open) -> None:
    images = with_table(
        "captions.csv", 'file,caption\n000.png,"[\'a dog\', ""the cat\'s""]"\n001.png,nan\n002.png,[]\n'
    )
    assert [list(texts) for texts in images.captions] == [["a dog", "the cat's"], [], [], []]
    assert images.remarks[-1] == "captions.csv: 1 value says nothing and was read so: nan (1)"


def test_attributes(with_table: Open) -> None:
    images = with_table("attributes.csv", "round,file,red\n1,000.png,0\n,002.png,-1\n1,001.png,0\n")
    assert images.attributes == ("round", "red")
    assert images.attribute.tolist() == [[1, 0], [1, 0], [-1, -1], [-1, -1]]
    assert images.remarks == (
        "attributes.csv says nothing of 1 of 4 images",
        "attributes.csv: 1 value says nothing and was read so: -1 (1)",
    )


def test_attributes_as_celeba_has_them(with_table: Open) -> None:
    images = with_table("attributes.csv", "file,round\n" + "".join(f"00{i}.png,{1 - 2 * (i % 2)}\n" for i in range(4)))
    assert images.attribute[:, 0].tolist() == [1, 0, 1, 0]
    assert images.remarks == ("attributes.csv holds 1 and -1 and no 0: -1 was read as no",)


def test_captions(with_table: Open) -> None:
    images = with_table("captions.csv", 'file,caption\n001.png,one dog\n001.png,"a dog, brown"\n003.png,\n')
    assert [list(texts) for texts in images.captions] == [[], ["one dog", "a dog, brown"], [], []]
    assert images.remarks == ("captions.csv says nothing of 3 of 4 images",)


def test_splits_agree_on_classes(tmp_path: Path) -> None:
    for split, labels in (("train", "bc"), ("test", "ab")):
        for i in range(2):
            write(tmp_path / "images" / split / f"{i}.png")
        rows = "".join(f"{i}.png,{label}\n" for i, label in enumerate(labels))
        (tmp_path / "images" / split / "labels.csv").write_text(f"file,label\n{rows}")
    train, test = (open_images(tmp_path / "images", split=split, cache=tmp_path) for split in ("train", "test"))
    assert train.classes == test.classes == ("a", "b", "c")
    assert (train.label.tolist(), test.label.tolist()) == ([1, 2], [0, 1])
    (tmp_path / "images" / "labels.csv").write_text("file,label\n")
    with pytest.raises(Refusal, match="put one into each of test, train"):
        open_images(tmp_path / "images", cache=tmp_path)


def test_class_folders_beside_a_table_of_labels_are_said_to_be_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder(tmp_path / "all" / name, 2)
    (tmp_path / "all/labels.csv").write_text("file,label\na/000.png,zz\n")
    (tmp_path / "all/a/labels.csv").write_text("file,label\n000.png,zz\n")
    images = open_images(tmp_path / "all")
    assert "labels.csv says what classes are, and the folders a, b do not" in images.remarks
    unused = survey(tmp_path / "all").files.unused
    assert unused == {(".csv", "labels.csv belongs in the folder that is given, or in its splits"): 1}
