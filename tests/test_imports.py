"""Wings stand on floors, and imports run downwards: `python tools/imports.py` draws the whole graph."""

import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from imports import Import, circles, imports, rises, rooms

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def found() -> list[Import]:
    """All imports of the package."""
    return imports(ROOT / "src")


def test_no_import_runs_upwards(found: list[Import]) -> None:
    assert rises(found) == []


def test_no_module_comes_back_to_itself(found: list[Import]) -> None:
    assert circles(found) == []


def test_the_graph_is_the_packages(found: list[Import]) -> None:
    """Imports of modules, of names in modules and inside functions are all seen."""
    seen = {(one.importer, one.imported) for one in found}
    assert {("runs.run", "storage.files"), ("models.vae", "core"), ("verbs.train", "training.run")} <= seen
    all_rooms, arrows = rooms(found, ROOT / "src")
    assert ("verbs", "runs") in arrows
    assert {"data.sources", "recipes.lecture"} <= all_rooms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from latelier.verbs.train import train\n", [("storage.low", "verbs.train")]),
        ("def late():\n    from latelier.verbs import train\n", [("storage.low", "verbs.train")]),
        ("import latelier.verbs.train\n", [("storage.low", "verbs.train")]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from latelier.verbs import train\n", []),
        ("from latelier import __version__\n", []),
        ("from latelier.terminal import say\n", []),
    ],
)
def test_a_rise_would_be_found(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    for name, inside in {"storage/low": text, "verbs/train": "", "terminal/say": "", "attic/old": ""}.items():
        place = tmp_path / "latelier" / f"{name}.py"
        place.parent.mkdir(parents=True)
        (place.parent / "__init__.py").touch()
        place.write_text(inside)
    (tmp_path / "latelier" / "__init__.py").write_text("__version__ = '0'\n")
    assert [(one.importer, one.imported) for one in rises(imports(tmp_path))] == found


def test_a_module_without_a_floor_would_be_found() -> None:
    found = [Import("attic.old", "storage.files", 1), Import("storage.files", "attic.old", 1)]
    assert rises(found) == found


def test_a_reader_may_have_enough() -> None:
    """As `| head` has; the pipe is closed before anything is written."""
    with Popen([sys.executable, str(ROOT / "tools" / "imports.py")], stdout=PIPE, stderr=PIPE, text=True) as tool:
        assert tool.stdout
        assert tool.stderr
        tool.stdout.close()
        said = tool.stderr.read()
    assert (said, tool.returncode) == ("", 0)


def test_a_circle_would_be_found() -> None:
    pairs = [("a.x", "a.y"), ("a.y", "b.z"), ("b.z", "a.x"), ("c.w", "a.x")]
    assert circles([Import(one, other, 1) for one, other in pairs]) == [["a.x", "a.y", "b.z"]]
