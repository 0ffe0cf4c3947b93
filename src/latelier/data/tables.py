"""labels.csv, attributes.csv and captions.csv: what a folder of pictures may say of its files."""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from latelier.core import Refusal
from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.own import is_own_table
from latelier.files import armed

Value = TypeVar("Value")
TABLES = ("labels.csv", "attributes.csv", "captions.csv")


class Table:
    """A CSV file with a header whose column ``file`` names pictures relative to its folder, in UTF-8."""

    def __init__(
        self,
        path: Path,
        needed: Sequence[str],
        header: Callable[[list[str]], list[str]] = lambda cells: cells,
        delimiter: str = ",",
    ):
        """``header`` gives the columns the names that they have here. Raises Refusal for what is no such table."""
        self.path = path
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                lines = [
                    (i, line) for i, line in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1) if line
                ]
        except (UnicodeDecodeError, csv.Error) as error:
            raise Refusal(f"{path}: not a CSV file in UTF-8 ({error})") from error
        self.columns = header([cell.strip() for cell in lines[0][1]]) if lines else []
        if missing := [name for name in needed if name not in self.columns]:
            raise Refusal(
                f"{path}: the first line must name the columns {','.join(needed)}; "
                f"{','.join(missing)} is missing from {','.join(self.columns) or 'an empty file'}"
            )
        if len(set(self.columns)) < len(self.columns):
            raise Refusal(f"{path}: a column name stands twice in {','.join(self.columns)}")
        self.lines = [(i, [armed(cell) for cell in line]) for i, line in lines[1:]]
        for i, cells in self.lines:
            if len(cells) != len(self.columns):
                raise Refusal(
                    f"{path}, row {i}: {len(cells)} cells, expected {len(self.columns)}; text with commas needs quotes"
                )

    def column(self, name: str) -> list[str]:
        """One column's cells."""
        at = self.columns.index(name)
        return [cells[at].strip() for _, cells in self.lines]

    def rows(self, present: Collection[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
        """For each row where it stands, the file and the other cells. Raises Refusal when a named file is not there."""
        names = [name.removeprefix("./") for name in self.column("file")]
        if absent := [name for name in names if name not in present]:
            raise Refusal(
                f"{self.path} names {len(absent)} files that are not there, first {absent[0]!r}; "
                f"expected names relative to {self.path.parent}"
            )
        for (i, cells), name in zip(self.lines, names, strict=True):
            others = zip(self.columns, cells, strict=True)
            yield f"{self.path}, row {i}", name, {column: cell.strip() for column, cell in others if column != "file"}


def annotate(images: Images, folder: Path, beside: Sequence[Path], present: Collection[str]) -> Images:
    """The pictures with what the tables in their folder say. ``beside``: the folders of all splits, this one too, which
    agree on classes and attributes. ``present``: names of all picture files, decoded or not. Raises Refusal."""
    for name, read in zip(TABLES, (_labels, _attributes, _captions), strict=True):
        if is_table(folder / name):
            images = read(images, folder / name, [path / name for path in beside if is_table(path / name)], present)
    return images


def is_table(path: Path) -> bool:
    """Whether somebody's table is there: one that latelier wrote itself (``own.py``) is none."""
    return path.is_file() and not is_own_table(path)


def _labels(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    said: dict[str, str | None] = {}
    for where, name, cells in Table(path, ("file", "label")).rows(present):
        _agree(said, name, cells["label"] or None, where)
    words = [word or None for other in everywhere for word in Table(other, ("file", "label")).column("label")]
    label, classes = number([said.get(name) for name in images.names], words, None, str(path))
    return replace(images, label=label, classes=classes, remarks=_silent(images, path, said))


def _attributes(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    columns = [column for column in Table(everywhere[0], ("file",)).columns if column != "file"]
    cells_of_all = {
        cell for other in everywhere for column in columns for cell in Table(other, ("file", column)).column(column)
    }
    signs = "-1" in cells_of_all and "0" not in cells_of_all  # 1 and -1 for yes and no, as CelebA has it
    value = {"1": 1, "0": 0, "-1": 0 if signs else -1, "": -1}
    said: dict[str, tuple[int, ...]] = {}
    for where, name, cells in Table(path, ("file", *columns)).rows(present):
        if bad := [f"{cells[column]!r} for {column}" for column in columns if cells[column] not in value]:
            raise Refusal(f"{where}: {bad[0]}; expected 1, 0, or -1 or nothing where it is not known")
        _agree(said, name, tuple(value[cells[column]] for column in columns), where)
    nothing = (-1,) * len(columns)
    rows = [said.get(name, nothing) for name in images.names]
    remarks = _silent(images, path, said)
    if signs:
        remarks = (*remarks, f"{path.name} holds 1 and -1 and no 0: -1 was read as no")
    return replace(
        images,
        attribute=np.array(rows, np.int8).reshape(len(rows), len(columns)),
        attributes=tuple(columns),
        remarks=remarks,
    )


def _captions(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    said: dict[str, list[str]] = {}
    for _, name, cells in Table(path, ("file", "caption")).rows(present):
        if cells["caption"]:
            said.setdefault(name, []).append(cells["caption"])
    return replace(images, captions=[said.get(name, ()) for name in images.names], remarks=_silent(images, path, said))


def _agree(said: dict[str, Value], name: str, value: Value, where: str) -> None:
    """Notes what a row says of a file. Raises Refusal when another row says otherwise."""
    if said.setdefault(name, value) != value:
        raise Refusal(f"{where}: {value} for {name}, but {said[name]} in a row before")


def _silent(images: Images, path: Path, said: Collection[str]) -> tuple[str, ...]:
    """The remarks, and how many pictures the table leaves out."""
    silent = sum(name not in said for name in images.names)
    return (
        (*images.remarks, f"{path.name} says nothing of {silent} of {len(images)} pictures")
        if silent
        else images.remarks
    )
