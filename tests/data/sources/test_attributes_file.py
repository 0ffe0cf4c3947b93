"""An attributes file says of some images which attributes they have."""

from pathlib import Path

import pytest
from made import folder, table

from latelier.data.images import Images
from latelier.data.sources.attributes_file import attributed, in_full
from latelier.data.sources.open import open_images
from latelier.errors import Refusal


@pytest.mark.parametrize(
    "text",
    [
        "file,wet,old\n002.png,1,0\n000.png,0,\n",
        "Image;wet;old\nimages/002.png;True;0.0\n./000.png;false;-1\n001.png;;\n",
        "wet,name,old\n1,/some/where/images/002,0\n0,000.PNG,nan\n",
    ],
)
def test_headers_paths_and_values_are_taken_as_people_write_them(flat: Images, tmp_path: Path, text: str) -> None:
    images = attributed(flat, table(tmp_path, text), own=True)
    assert (images.attributes, images.attribute.tolist()) == (("wet", "old"), [[0, -1], [-1, -1], [1, 0], [-1, -1]])
    said = "mine.csv says of 2 of 4 images whether they have wet, old; of the others none is known"
    assert said in images.remarks
    assert images.fingerprint != flat.fingerprint
    assert images.label.tolist() == flat.label.tolist()


def test_it_takes_the_place_of_a_table_beside_the_images(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 2)
    (source / "attributes.csv").write_text("file,dry\n000.png,1\n001.png,1\n")
    beside = open_images(source, cache=tmp_path / "cache")
    images = attributed(beside, table(tmp_path, "file,wet\n001.png,1\n"), own=True)
    assert (images.attributes, images.attribute.tolist()) == (("wet",), [[-1], [1]])
    assert any("in place of the 1 that these have by themselves" in remark for remark in images.remarks)


def test_one_and_minus_one_are_yes_and_no_where_no_0_is(flat: Images, tmp_path: Path) -> None:
    images = attributed(flat, table(tmp_path, "file,wet,old\n000.png,1,-1\n001.png,-1,-1\n"), own=True)
    assert images.attribute.tolist() == [[1, 0], [0, 0], [-1, -1], [-1, -1]]
    assert any("-1 was read as no" in remark for remark in images.remarks)


def test_rows_may_repeat_but_not_contradict(flat: Images, tmp_path: Path) -> None:
    twice = attributed(flat, table(tmp_path, "file,wet\n000.png,1\n./000.png,1\n000.png,\n"), own=True)
    assert twice.attribute[:, 0].tolist() == [1, -1, -1, -1]
    with pytest.raises(Refusal, match=r"000.png is wet: yes in row 2 and wet: no in row 3; leave one of the two"):
        attributed(flat, table(tmp_path, "file,wet\n000.png,1\n000.png,0\n"), own=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("000.png,1\n", r"must name the columns file; file is missing from 000.png,1"),
        ("file\n000.png\n", "no column but the images' names"),
        ("file,wet\n", "names none of the 4 images of .*: no row says anything"),
        ("file,wet\nx.png,1\n", "its first name is 'x.png'; expected names like '000.png'"),
        ("file,wet\n000.png,maybe\n", "row 2: .maybe. for wet; expected 1, 0"),
        ("file,wet,wet\n000.png,1,1\n", "a column name stands twice"),
    ],
)
def test_what_is_no_attributes_file_is_refused_in_one_line(
    flat: Images, tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(Refusal, match=complaint) as refusal:
        attributed(flat, table(tmp_path, text), own=True)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(flat: Images, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(Refusal, match=r"--attributes-file .*; give a CSV file with the columns file and one for"):
            attributed(flat, path, own=True)


def test_one_file_may_speak_of_all_splits(tmp_path: Path) -> None:
    for split in ("train", "val"):
        folder(tmp_path / "images" / split, 2)
    train, held = (open_images(tmp_path / "images", split=s, cache=tmp_path / "c") for s in ("train", "val"))
    path = table(tmp_path, "file,wet\n000.png,1\nimages/val/001.png,0\n")
    assert attributed(train, path, own=True).attribute[:, 0].tolist() == [1, -1]
    assert attributed(held, path, own=False).attribute[:, 0].tolist() == [-1, 0]
    assert list(in_full(train, path)) == [["file", "wet"], ["train/000.png", "1"], ["val/001.png", "0"]]
    alone = table(tmp_path, "file,wet\n000.png,1\n")
    assert attributed(held, alone, own=False) is held
