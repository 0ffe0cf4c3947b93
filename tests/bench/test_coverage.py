"""docs/coverage.md: every table and figure of the sources is there, its commands parse, and its figures stand where it
says."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from latelier.cli import app
from latelier.config.recipes import find_recipe, list_recipes

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "coverage.md").read_text()
STATES = ("reached", "measured", "share", "rehearsed", "architecture", "scheme", "missing")
SOURCES = {  # source -> how many tables and figures it has; the lecture's are those of the papers that it shows
    "PatchVAE": (12, 6),
    "HALI": (6, 7),
    "Images, labels and captions": (5, 3),
    "IntroVAC": (1, 10),
}
LECTURE = ("DCGAN, fig. 1", "Hinton, fig. 3", "Makhzani, fig. 1", "Makhzani, table 1", "Makhzani, table 3")
LECTURE += ("Kingma, fig. 4", "Kingma, fig. 5", "Zhao, fig. 1", "Zhao, fig. 5", "Higgins, fig. 7", "Higgins, part 2")
LECTURE += ("Higgins, architectures",)
FIGURE = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?|(?<![\w.])\.\d+")


class Row(NamedTuple):
    """One table or figure."""

    source: str
    item: str
    command: str
    published: str
    measured: str
    departure: str
    state: str


def rows() -> list[Row]:
    found = []
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        source, _, body = section.partition("\n")
        for line in re.findall(r"^\| (.+) \|$", body, re.MULTILINE)[1:]:
            found.append(Row(source.partition(":")[0], *(cell.strip() for cell in line.split("|"))))
    return found


ROWS = rows()


def numbers(item: str, kind: str) -> set[int]:
    """1, 4 and 5 of "figure 1, figures 4 and 5"; 8 to 12 of "tables 8-12"."""
    found = set[int]()
    for first, last, other in re.findall(rf"{kind}s? (\d+)(?:-(\d+)| and (\d+))?", item):
        found |= set(range(int(first), int(last or first) + 1)) | ({int(other)} if other else set())
    return found


def test_every_table_and_figure_of_every_source_is_there() -> None:
    for source, (tables, figures) in SOURCES.items():
        items = [row.item for row in ROWS if row.source == source]
        for kind, most in (("table", tables), ("figure", figures)):
            assert set().union(*(numbers(item, kind) for item in items)) == set(range(1, most + 1)), (source, kind)
    assert tuple(row.item for row in ROWS if row.source == "Lecture") == LECTURE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.source}: {row.item}")
def test_a_row_is_whole(row: Row) -> None:
    assert row.state in STATES
    commands = re.findall(r"`latelier (.+?)`", row.command)
    assert bool(commands) == (row.state not in ("missing", "scheme"))
    for command in commands:
        _, bound, _ = app().parse_args(shlex.split(command), exit_on_error=False, print_error=False)
        assert bound.arguments.get("recipe", "lecture/manifold") in list_recipes()
    assert not (row.state == "missing" and row.measured)
    if row.state in ("reached", "measured", "share"):
        assert row.measured


@pytest.mark.parametrize("row", [row for row in ROWS if row.measured], ids=lambda row: f"{row.source}: {row.item}")
def test_what_was_measured_stands_on_the_page_that_is_linked(row: Row) -> None:
    (page,) = re.findall(r"\]\((\w+\.md)#[\w-]+\)", row.measured)
    words, text = re.sub(r"\(\[.*", "", row.measured), (DOCS / page).read_text()
    there = {figure.removeprefix("0") for figure in FIGURE.findall(text)}
    assert {figure.removeprefix("0") for figure in FIGURE.findall(words)} <= there


def test_every_recipe_of_a_published_table_is_named() -> None:
    published = {name for name in list_recipes() if hasattr(find_recipe(name), "PUBLISHED")}
    unnamed = {name for name in published if f"latelier reproduce {name}" not in PAGE and f"`{name}`" not in PAGE}
    ours = {
        "rivals/m1m2",
        "vae-binarized-mnist",
        "adversary/mixture",
        "images-labels/positions",
        "images-captions/scenes",
    }
    assert unnamed == ours  # of other papers, or without a published figure
