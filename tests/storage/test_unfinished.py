"""What is left of long output: whole up to its note, and believed only if it is what the note says."""

import os
from pathlib import Path

import pytest

from latelier.errors import Refusal
from latelier.storage import unfinished as module
from latelier.storage.unfinished import data_of, note_of, unfinished

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place to write to; a note follows every block."""
    monkeypatch.setattr(module, "EVERY", 0)
    return tmp_path / "table.csv"


def broken(out: Path, task: str = "a") -> None:
    """Two blocks, and then an interruption."""

    def work() -> None:
        with unfinished(out, task) as part:
            part.add(b"one\n", 1, {"sum": 0.1})
            part.add(b"two\n", 2, {"sum": 0.3})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()


def test_what_ends_well_is_renamed_and_leaves_nothing(out: Path) -> None:
    out.write_text("old")
    with unfinished(out, "a") as part:
        assert (part.done, part.state) == (0, {})
        part.add(b"one\n", 1, {})
        assert out.read_text() == "old"
        part.rename()
    assert out.read_bytes() == b"one\n"
    assert list(out.parent.iterdir()) == [out]


def test_the_same_task_goes_on_with_its_state(out: Path, capsys: Captured) -> None:
    broken(out)
    assert "2 images are done and kept in .table.csv.part; the same command goes on" in capsys.readouterr().err
    with open(data_of(out), "ab") as file:
        file.write(b"half of thr")  # after the last note
    with unfinished(out, "a") as part:
        assert (part.done, part.state) == (2, {"sum": 0.3})
        part.add(b"three\n", 3, {})
        part.rename()
    assert out.read_bytes() == b"one\ntwo\nthree\n"
    assert "going on after the 2 images of an earlier command" in capsys.readouterr().err


def test_another_task_begins_anew_and_says_so(out: Path, capsys: Captured) -> None:
    broken(out)
    with unfinished(out, "b") as part:
        assert (part.done, part.state) == (0, {})
        part.add(b"other\n", 1, {})
        part.rename()
    assert out.read_bytes() == b"other\n"
    assert "is of other weights, images, options or versions; begun anew" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"one\ntwx\n", b"one\ntw"])
def test_what_is_damaged_is_begun_anew(out: Path, content: bytes, capsys: Captured) -> None:
    broken(out)
    data_of(out).write_bytes(content)
    with unfinished(out, "a") as part:
        assert part.done == 0
        part.add(b"new\n", 1, {})
        part.rename()
    assert out.read_bytes() == b"new\n"
    assert "what an interrupted command left there is damaged; begun anew" in capsys.readouterr().err


@pytest.mark.parametrize("note", ["", "{", '{"task": "a", "done": 2}', '{"task": 1, "checksum": "x"}'])
def test_a_note_that_is_damaged_is_not_believed(out: Path, note: str) -> None:
    broken(out)
    note_of(out).write_text(note)
    with unfinished(out, "a") as part:
        assert part.done == 0


def test_without_a_note_nothing_is_left(out: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refusal, match="the disk is full: cannot write"), unfinished(out, "a") as part:
        part.add(b"one\n", 1, {})
    assert not list(out.parent.iterdir())
    assert not capsys.readouterr().err


def test_one_at_a_time(out: Path) -> None:
    with unfinished(out, "a") as part:
        part.add(b"one\n", 1, {})
        with pytest.raises(Refusal, match="is being written by another latelier"), unfinished(out, "a"):
            pass
        part.rename()
    assert out.read_bytes() == b"one\n"


def test_a_link_that_somebody_has_put_there_is_not_followed(out: Path) -> None:
    precious = out.parent / "precious"
    precious.write_text("mine")
    data_of(out).symlink_to(precious)
    with unfinished(out, "a") as part:
        part.add(b"one\n", 1, {})
        part.rename()
    assert precious.read_text() == "mine"
    assert not out.is_symlink()


def test_what_a_kill_has_left_of_a_rename_is_removed(out: Path) -> None:
    for name in (".table.csv.17.tmp", "..table.csv.note.18.tmp", ".table.csv.mine.tmp", ".other.csv.19.tmp"):
        (out.parent / name).touch()
    with unfinished(out, "a") as part:
        part.add(b"one\n", 1, {})
        part.rename()
    assert {path.name for path in out.parent.iterdir()} == {"table.csv", ".table.csv.mine.tmp", ".other.csv.19.tmp"}
