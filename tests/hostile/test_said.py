"""What reaches a terminal is printable, and what reaches a CSV is no formula."""

import ast
import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from made import write
from PIL import Image

import latelier
from latelier import cli
from latelier.cli import main
from latelier.data.sources.open import open_images
from latelier.data.sources.tables import Table
from latelier.errors import Refusal
from latelier.storage import files
from latelier.terminal.say import printable, say
from latelier.verbs import listing

SOURCES = Path(latelier.__file__).parent
TITLE = "\x1b]0;mine\x07"  # sets the window's title
NASTY = ("\x1b[2J", TITLE, "\x9b31m", "\u202egnp", "\u2066", "\x7f", "\r", "\u2028", "\udcff")
FORMULAS = ("=1+1", "+1-1", "-cmd", "@sum", "\tx", "\rx", "'=1", "''@x")


@pytest.mark.parametrize("text", NASTY)
def test_what_a_terminal_would_obey_is_written_out(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a{text}b")
    said = capsys.readouterr().out
    assert said.startswith("a\\")
    assert said.endswith("b\n")
    assert all(c.isprintable() for c in said[:-1])


def test_all_else_is_said_as_it_is() -> None:
    text = "Größe 3 × 4 px, 猫, عربي, emoji 👩‍🎨\n\ttwo lines"
    assert printable(text) == text


def test_nothing_else_prints() -> None:
    """Decoding processes alone do: what they print is JSON, and read by their parent."""
    found = {
        file.relative_to(SOURCES).as_posix()
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert found == {"terminal/say.py", "data/packing/worker.py"}


def test_names_of_files_are_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / f"a{TITLE}"
    folder.mkdir()
    for number in range(30):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{number}.png")
    (folder / f"x{TITLE}.png").write_bytes(b"no image")
    (folder / "labels.csv").write_text("file\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "pca", "--data", str(folder), "--out", str(tmp_path / "run"), "--set", "latent=2"])
    assert ended.value.code == 2
    (folder / "labels.csv").unlink()
    cli.main(["train", "pca", "--data", str(folder), "--out", str(tmp_path / "run"), "--set", "latent=2"])
    said = capsys.readouterr()
    assert "\\x1b]0;mine\\x07" in said.err
    assert not {"\x1b", "\x07"} & set(said.err + said.out)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    rows = [["a.png", text] for text in FORMULAS] + [["b.png", number] for number in ("-1.5", "+2", "-1e-05", "plain")]
    path = tmp_path / "table.csv"
    files.write(path, files.csv_text(["file", "class"], rows))
    with open(path, newline="", encoding="utf-8") as file:
        cells = [row[1] for row in list(csv.reader(file))[1:]]
    assert all(cell.startswith("'") for cell in cells[: len(FORMULAS)])
    assert cells[len(FORMULAS) :] == ["-1.5", "+2", "-1e-05", "plain"]
    assert [row[1] for _, row in Table(path, ("file", "class")).lines] == [row[1] for row in rows]


@pytest.mark.parametrize("cell", ["a;=1+1", "a\t=1+1"])
def test_cells_are_not_parted_where_other_spreadsheets_part_them(cell: str) -> None:
    _, line, _ = files.csv_text(["file", "class"], [["x.png", cell]]).split("\r\n")
    assert line == f'"x.png","{cell}"'


@pytest.mark.parametrize("name", ["fake\nlatelier: all is well", "\x1b[2J"])
def test_a_class_with_control_characters_is_refused(name: str, tmp_path: Path) -> None:
    for folder in (name, "other"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "set" / folder / "a.png")
    with pytest.raises(Refusal, match=r"the class '.*\\.*' holds a control character; rename it"):
        open_images(tmp_path / "set")


def test_names_of_files_make_no_lines_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "bad\nlatelier: all is well"
    for seed in range(4):
        write(tmp_path / "set" / bad / f"{seed}.png", seed=seed)
    (tmp_path / "set" / f"{bad}.png").write_bytes(b"no image")
    (tmp_path / "set" / f"1.{bad}").write_bytes(b"")
    main(["data", str(tmp_path / "set")])
    main(["train", "pca", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "run"), "--set", "latent=1"])
    said = "".join(capsys.readouterr())
    assert "bad" in said
    assert not [line for line in said.splitlines() if line.startswith("latelier: all is well")]


def test_what_libraries_warn_of_is_printable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def warning() -> None:
        warnings.warn("Glyph 27 (\x1b)\nmissing", stacklevel=1)

    monkeypatch.setattr(listing, "models", warning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        cli.main(["models"])
    assert capsys.readouterr().err == "warning: Glyph 27 (\\x1b) missing\n"


def test_a_table_that_was_written_labels_the_images_that_it_names(tmp_path: Path) -> None:
    for name in ("-a.png", "=b.png", "c.png"):
        Image.fromarray(np.full((8, 8), len(name), np.uint8)).save(tmp_path / name)
    rows = [["-a.png", "=x"], ["=b.png", "y"], ["c.png", "y"]]
    files.write(tmp_path / "labels.csv", files.csv_text(["file", "label"], rows))
    images = open_images(tmp_path)
    found = {name: images.classes[label] for name, label in zip(images.names, images.label, strict=True)}
    assert found == {"-a.png": "=x", "=b.png": "y", "c.png": "y"}
