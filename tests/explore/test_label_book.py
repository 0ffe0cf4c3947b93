"""What a person says of images is on disk at once, in the form that training reads, and nobody's is lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explore.opened import noise_images
from PIL import Image

from latelier.data.images import Images
from latelier.data.sources.labels_file import labelled
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.explore.label_book import CHANGES, LabelBook
from latelier.storage import files


def unlabelled(n: int = 12) -> Images:
    images = noise_images(n)
    return replace(images, label=np.full(n, -1), classes=(), source="noise")


def test_a_label_is_on_disk_before_the_next_and_training_reads_it(tmp_path: Path) -> None:
    path, images = tmp_path / "new" / "labels.csv", unlabelled()
    book = LabelBook(images, path)
    assert not path.exists()
    book.give([3], "cat", why={3: "unsure"})
    assert path.read_text().splitlines() == ["file,label,why", "sub/3.png,cat,unsure"]
    book.give([0, 5], "dog")
    found = labelled(images, path, own=True)
    assert [(i, found.classes[found.label[i]]) for i in np.flatnonzero(found.label >= 0)] == [
        (0, "dog"),
        (3, "cat"),
        (5, "dog"),
    ]
    again = LabelBook(images, path)
    assert again.notes()[0].label == {3: "cat", 0: "dog", 5: "dog"}
    assert again.notes()[0].why == {3: "unsure"}
    assert again.numbers()[0].tolist() == [1, -1, -1, 0, -1, 1, -1, -1, -1, -1, -1, -1]


def test_a_folder_of_images_reads_both_files_where_they_are_put_beside(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(np.full((8, 8), 9 * ord(name[0]) % 256, np.uint8)).save(tmp_path / name)
    book = LabelBook(open_images(str(tmp_path)), tmp_path / "labels.csv")
    book.give([0, 2], "cat")
    book.mark([1], "smiling", "yes")
    book.mark([2], "smiling", "no")
    images = open_images(str(tmp_path))
    assert (images.classes, images.label.tolist()) == (("cat",), [0, -1, 0])
    assert (images.attributes, images.attribute.tolist()) == (("smiling",), [[-1], [1], [0]])
    again = LabelBook(images, tmp_path / "labels.csv").notes()[0]
    assert again.attributes == {"smiling": {1: "yes", 2: "no"}}


def test_names_carry_their_split(tmp_path: Path) -> None:
    images = replace(unlabelled(), source="digits:train")
    LabelBook(images, tmp_path / "labels.csv").give([1], "3")
    assert "train/sub/1.png,3," in (tmp_path / "labels.csv").read_text()
    assert LabelBook(images, tmp_path / "labels.csv").notes()[0].label == {1: "3"}


def test_each_tab_takes_back_its_own_and_nobody_elses(tmp_path: Path) -> None:
    book = LabelBook(unlabelled(), tmp_path / "labels.csv")
    book.give([0, 1], "cat", "left")
    book.give([1, 2], "dog", "right")
    assert book.undo("left") == [0]  # 1 is a dog by now
    assert book.notes()[0].label == {1: "dog", 2: "dog"}
    assert book.undo("left") == []
    assert book.undo("right") == [1, 2]
    assert book.notes()[0].label == {1: "cat"}
    assert "dog" in book.notes()[0].classes  # a class stays, to be used again
    book.mark([4], "smiling", "yes", "left")
    book.mark([4], "smiling", None, "left")
    assert book.undo("left") == [4]
    assert book.notes()[0].attributes["smiling"] == {4: "yes"}


def test_unknown_takes_a_label_away(tmp_path: Path) -> None:
    book = LabelBook(unlabelled(), tmp_path / "labels.csv")
    book.give([0], "cat", why={0: "random"})
    book.give([0], None)
    assert (book.notes()[0].label, book.notes()[0].why) == ({}, {})
    assert (tmp_path / "labels.csv").read_text().splitlines() == ["file,label,why"]


def test_two_books_of_one_file_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = (LabelBook(unlabelled(), tmp_path / "labels.csv") for _ in range(2))
    one.give([0], "cat")
    other.give([1], "dog")
    one.mark([0], "old", "yes")
    other.mark([0], "new", "no")
    one.give([2], "cat")
    for book in (one, other):
        assert book.notes()[0].label == {0: "cat", 1: "dog", 2: "cat"}
        assert book.notes()[0].attributes == {"old": {0: "yes"}, "new": {0: "no"}}


def test_a_class_without_an_image_is_there_for_other_servers_and_later(tmp_path: Path) -> None:
    path, images = tmp_path / "labels.csv", replace(noise_images(6), label=np.full(6, -1))  # classes cat, dog
    one, other = (LabelBook(images, path) for _ in range(2))
    for name in ("zebra", "=ape"):
        one.give([], name)
    assert other.notes()[0].classes == LabelBook(images, path).notes()[0].classes == ["cat", "dog", "zebra", "=ape"]
    other.give([2], "=ape")  # keys follow the list, and it stays in its order
    other.give([3], "cat")
    other.give([], "cow")
    assert LabelBook(images, path).notes()[0].classes == ["cat", "dog", "zebra", "=ape", "cow"]
    assert one.notes()[0].label == {2: "=ape", 3: "cat"}
    assert (tmp_path / "labels-classes.csv").read_text().splitlines() == ["class", "zebra", "'=ape", "cow"]
    assert labelled(images, path, own=True).classes == ("=ape", "cat")  # what training reads
    (tmp_path / "labels-classes.csv").write_text("class\ncow\n")  # whoever takes a name out is heard
    assert one.notes()[0].classes == ["cat", "dog", "cow", "=ape"]


def test_a_list_of_classes_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels-classes.csv").write_text("name\ncat\n")
    with pytest.raises(Refusal, match=r"labels-classes.csv: the first line must name the columns class"):
        LabelBook(unlabelled(), tmp_path / "labels.csv")


def test_attributes_do_not_count_as_a_change_of_classes(tmp_path: Path) -> None:
    one, other = (LabelBook(unlabelled(), tmp_path / "labels.csv") for _ in range(2))
    one.give([0], "cat")
    before = one.revision, other.revision
    one.mark([0], "old", "yes")
    other.mark([1], "old", "no")
    assert one.undo("") == [0]
    assert (one.revision, other.revision) == before
    assert other.notes()[0].attributes == {"old": {1: "no"}}
    other.give([1], "dog")
    assert one.revision > before[0]


def test_rows_on_other_images_stay(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,class\nelsewhere/9.png,cow\nsub/1.png,cat\n")
    book = LabelBook(unlabelled(), path)
    book.give([2], "dog")
    assert sorted(path.read_text().splitlines()) == [
        "elsewhere/9.png,cow,",
        "file,label,why",
        "sub/1.png,cat,",
        "sub/2.png,dog,",
    ]


def test_a_file_with_more_than_labels_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,label,note\nsub/1.png,cat,mine\n")
    with pytest.raises(Refusal, match="column 'note', which would be lost"):
        LabelBook(unlabelled(), path)


def test_a_table_of_suggestions_is_a_file_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,why,class,probability,margin\nsub/1.png,unsure,cat,0.5,0.1\n")
    book = LabelBook(unlabelled(), path)
    assert (book.notes()[0].label, book.notes()[0].why) == ({1: "cat"}, {1: "unsure"})


def test_what_cannot_be_written_is_not_said_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = LabelBook(unlabelled(), tmp_path / "labels.csv")
    book.give([0], "cat")

    def full(*given: object) -> None:
        raise Refusal("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(files, "write", full)
        with pytest.raises(Refusal, match="full"):
            book.give([1], "dog")
        with pytest.raises(Refusal, match="full"):
            book.undo("")
    assert book.notes()[0].label == {0: "cat"}
    book.give([1], "dog")
    assert book.undo("") == [1]
    assert book.undo("") == [0]


@pytest.mark.parametrize("name", ["", " ", "nan", "-1", "a\nb", "x" * 61, "1.5"])
def test_names_that_no_table_holds_are_refused(tmp_path: Path, name: str) -> None:
    book = LabelBook(unlabelled(), tmp_path / "labels.csv")
    with pytest.raises(Refusal):
        book.give([0], name)
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize("name", ["=1+1", "<b>bold</b>", "a,b", 'say "hi"', "naïve", "@x", "007"])
def test_odd_names_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    LabelBook(unlabelled(), tmp_path / "labels.csv").give([0], name)
    assert LabelBook(unlabelled(), tmp_path / "labels.csv").notes()[0].label == {0: name}
    assert not any(line.split(",")[1].startswith("=") for line in (tmp_path / "labels.csv").read_text().splitlines())


def test_a_set_that_is_labelled_in_part_goes_on_from_there(tmp_path: Path) -> None:
    images = noise_images(6)  # the last has no label
    book = LabelBook(images, tmp_path / "labels.csv")
    assert book.notes()[0].label == {0: "cat", 1: "dog", 2: "cat", 3: "dog", 4: "cat"}
    whole = replace(images, label=np.arange(6) % 2)
    assert LabelBook(whole, tmp_path / "labels.csv").notes()[0].label == {}
    assert LabelBook(whole, tmp_path / "labels.csv").notes()[0].classes == ["cat", "dog"]


def test_changes_that_are_kept_are_bounded(tmp_path: Path) -> None:
    book = LabelBook(unlabelled(), tmp_path / "labels.csv")
    for number in range(CHANGES + 5):
        book.give([number % 12], f"c{number % 3}")
    assert sum(bool(book.undo("")) for _ in range(CHANGES + 5)) <= CHANGES
