from pathlib import Path

import pytest
from made import folder, table, write

from latelier.data.images import Images, with_classes
from latelier.data.sources.labels_file import beside, in_full, labelled
from latelier.data.sources.open import open_images
from latelier.errors import Refusal


@pytest.fixture
def sorted_in(tmp_path: Path) -> Images:
    """Two images in each of the class folders cat and dog."""
    for name in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"):
        write(tmp_path / "sorted" / name)
    return open_images(tmp_path / "sorted", cache=tmp_path / "cache")


def test_other_columns_stand_beside_their_images(flat: Images, tmp_path: Path) -> None:
    path = table(tmp_path, "why,Class,name\nrandom,cat,images/002.png\nunsure ,,000.png\nrandom,dog,nope.png\n")
    assert beside(flat, path, "why") == ["unsure", "", "random", ""]
    assert beside(flat, path, "who") == [""] * 4
    with pytest.raises(Refusal, match="the first line must name the columns file,class"):
        beside(flat, table(tmp_path, "file,why\n000.png,random\n"), "why")


@pytest.mark.parametrize(
    "text",
    [
        "file,class\n002.png,cat\n000.png,dog\n",
        "Filename,Label,who\n002.png,cat,me\n000.png,dog,\n",
        "category;name\ncat;./002.png\ndog;images/000.png\n",
        "\N{BYTE ORDER MARK}image\tCLASS\n/some/where/images/002.png\tcat\n000.png\tdog\n001.png\t\n",
        "file,name,class\n002.png,Felix,cat\n000.png,Rex,dog\n",
    ],
)
def test_headers_delimiters_and_paths_are_taken_as_people_write_them(flat: Images, tmp_path: Path, text: str) -> None:
    images = labelled(flat, table(tmp_path, text), own=True)
    assert images.classes == ("cat", "dog")
    assert images.label.tolist() == [1, -1, 0, -1]
    said = "mine.csv gives 2 of 4 images one of 2 classes; the others count as unlabelled"
    assert images.remarks == (*flat.remarks, said)
    assert images.fingerprint != flat.fingerprint


def test_it_takes_the_place_of_class_folders_and_says_so(sorted_in: Images, tmp_path: Path) -> None:
    images = labelled(sorted_in, table(tmp_path, "file,class\ncat/0.png,old\ndog/0.png,new\n"), own=True)
    assert (images.classes, images.label.tolist()) == (("new", "old"), [1, -1, 0, -1])
    assert "in place of the 2 classes that these have by themselves" in images.remarks[-1]


def test_names_that_are_not_there_are_counted_and_others_serve(flat: Images, tmp_path: Path) -> None:
    images = labelled(flat, table(tmp_path, "file,class\n000.png,a\nnot.png,b\n1/000.png,zebra\n"), own=True)
    assert (images.classes, images.label.tolist()) == (("a",), [0, -1, -1, -1])
    (said,) = (remark for remark in images.remarks if "not among" in remark)
    assert said == (
        "mine.csv: 2 of its 3 names are not among the images, first 'not.png'; expected names like '000.png'"
    )


def test_an_image_that_could_not_be_read_is_not_called_absent(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 2)
    (source / "half.png").write_bytes(b"no image")
    text = "file,class\n000.png,a\n001.png,b\nhalf.png,b\n"
    images = labelled(open_images(source, cache=tmp_path / "cache"), table(tmp_path, text), own=True)
    assert images.label.tolist() == [0, 1]
    assert not any("not among" in remark for remark in images.remarks)


def test_classes_that_differ_in_case_or_spaces_are_warned_of(flat: Images, tmp_path: Path) -> None:
    text = "file,class\n000.png,hot dog\n001.png,Hotdog\n002.png,hot dog\n003.png,hot dot\n"
    images = labelled(flat, table(tmp_path, text), own=True)
    assert len(images.classes) == 3
    (said,) = (remark for remark in images.remarks if "differ" in remark)
    assert said.startswith("mine.csv: 'Hotdog' (1) and 'hot dog' (2) differ in case or spaces alone")


def test_rows_may_repeat_but_not_contradict(flat: Images, tmp_path: Path) -> None:
    twice = labelled(flat, table(tmp_path, "file,class\n000.png,a\n001.png,b\n./000.png,a\n000.png,\n"), own=True)
    assert twice.label.tolist() == [0, 1, -1, -1]
    with pytest.raises(Refusal, match=r"mine.csv: 000.png is 'a' in row 2 and 'b' in row 4; leave one of the two"):
        labelled(flat, table(tmp_path, "file,class\n000.png,a\n001.png,b\n./000.png,b\n"), own=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("000.png,a\n", r"must name the columns file,class; file,class is missing from 000.png,a"),
        ("", "missing from an empty file"),
        ("file,class\n", "names none of the 4 images of .*: no row says anything"),
        ("file,class\nx.png,a\n", "its first name is 'x.png'; expected names like '000.png'"),
        ("file,class\n000.png,a,b\n", "row 2: 3 cells, expected 2"),
    ],
)
def test_what_is_no_labels_file_is_refused_in_one_line(flat: Images, tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint) as refusal:
        labelled(flat, table(tmp_path, text), own=True)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(flat: Images, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(Refusal, match=r"--labels-file .*; give a CSV file with the columns file,class"):
            labelled(flat, path, own=True)


def test_one_file_may_label_all_splits_and_bare_names_are_the_first_ones(tmp_path: Path) -> None:
    """The same name stands in both splits; only the training image is meant where no split is said."""
    for split in ("train", "val"):
        folder(tmp_path / "images" / split, 3)
    train, held = (open_images(tmp_path / "images", split=s, cache=tmp_path / "c") for s in ("train", "val"))
    path = table(tmp_path, "file,class\n000.png,a\ntrain/001.png,b\nimages/val/002.png,c\n")
    ours, theirs = labelled(train, path, own=True), labelled(held, path, own=False)
    assert [ours.classes[i] if i >= 0 else "" for i in ours.label] == ["a", "b", ""]
    assert ours.classes == ("a", "b", "c")
    assert [theirs.classes[i] if i >= 0 else "" for i in theirs.label] == ["", "", "c"]
    assert not any("not among" in remark for remark in ours.remarks)
    assert list(in_full(train, path)) == [("train/000.png", "a"), ("train/001.png", "b"), ("val/002.png", "c")]


def test_a_runs_own_copy_is_read_as_it_stands(flat: Images, tmp_path: Path) -> None:
    """Runs of earlier versions have classes that are numbers now."""
    path = table(tmp_path, "file,class\n000.png,1.0\n001.png,2.5\n002.png,True\n003.png,nan\n")
    assert labelled(flat, path, own=False, kept=True).classes == ("1.0", "2.5", "True")
    with pytest.raises(Refusal, match=r"row 3: '2.5' for class; a class is a word or a whole number"):
        labelled(flat, path, own=False)
    path.write_text("file,class\n000.png,True\n001.png,\n")
    given, kept = (labelled(flat, path, own=True, kept=mine) for mine in (False, True))
    assert given.fingerprint == kept.fingerprint


def test_others_images_stay_as_they_are(flat: Images, tmp_path: Path) -> None:
    assert labelled(flat, table(tmp_path, "file,class\nx.png,a\n"), own=False) is flat


def test_classes_that_a_run_does_not_know_are_said(sorted_in: Images) -> None:
    images = with_classes(sorted_in, ("bird", "dog"))
    assert images.label.tolist() == [-1, -1, 1, 1]
    said = "2 of 4 images are of classes that the run does not know (cat): they count as unlabelled"
    assert images.remarks == (*sorted_in.remarks, said)
    assert with_classes(sorted_in, ("dog", "cat", "x")).remarks == sorted_in.remarks
