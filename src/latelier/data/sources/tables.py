"""labels.csv, attributes.csv and captions.csv: what a folder of images may say of its files."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np

from latelier.data import foreign
from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.sources.matching import CLASSES, HEADER, renamed
from latelier.data.sources.names import Names, remarks_on
from latelier.data.sources.own import is_own_table
from latelier.data.sources.table import Table
from latelier.errors import Refusal

Value = TypeVar("Value")
TABLES = ("labels.csv", "attributes.csv", "captions.csv")
LABELS = {"file": HEADER, "label": ("label", *CLASSES)}  # columns of the first of them, as --labels-file has them too


def annotate(images: Images, folder: Path, beside: Sequence[Path], present: Collection[str]) -> Images:
    """The images with what the tables in their folder say. ``beside``: the folders of all splits, this one too, which
    agree on classes and attributes. ``present``: names of all image files, decoded or not. Raises Refusal."""
    for name, read in zip(TABLES, (_labels, _attributes, _captions), strict=True):
        if is_table(folder / name):
            images = read(images, folder / name, [path / name for path in beside if is_table(path / name)], present)
    return images


def is_table(path: Path) -> bool:
    """Whether somebody's table is there: one that latelier wrote itself (``own.py``) is none."""
    return path.is_file() and not is_own_table(path)


def _labels(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    tables = {other: Table(other, tuple(LABELS), _label_columns) for other in everywhere}
    known = {other: foreign.labels(table.column("label"), table.where) for other, table in tables.items()}
    table, said = tables[path], dict[str, foreign.Label]()
    names, remarks = _names(table, present)
    for i, value in enumerate(known[path]):
        _agree(said, names[i], value, table.where(i))
    values = [value for one in known.values() for value in one]
    label, classes = number([said.get(name) for name in images.names], values, None, str(path), between=False)
    remarks += foreign.unsaid(table.column("label"), known[path], path.name)
    return replace(images, label=label, classes=classes, remarks=_silent(images, path, said) + remarks)


def _label_columns(columns: list[str]) -> list[str]:
    return renamed(columns, LABELS)


def _attributes(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    columns = foreign.attributes(Table(everywhere[0], ("file",)).named, everywhere[0])
    tables = {other: Table(other, ("file", *columns)) for other in everywhere}
    known = {other: [_values(table, column) for column in columns] for other, table in tables.items()}
    signs = foreign.signs(value for one in known.values() for column in one for value in column)
    table, said = tables[path], dict[str, tuple[int, ...]]()
    names, remarks = _names(table, present)
    for i, name in enumerate(names):
        _agree(said, name, tuple(foreign.known(column[i], signs) for column in known[path]), table.where(i))
    nothing = (-1,) * len(columns)
    rows = [said.get(name, nothing) for name in images.names]
    if signs:
        remarks += (f"{path.name} {foreign.SIGNS}",)
    else:
        cells = chain(*(table.column(column) for column in columns))
        remarks += foreign.unsaid(cells, foreign.stated(chain(*known[path])), path.name)
    return replace(
        images,
        attribute=np.array(rows, np.int8).reshape(len(rows), len(columns)),
        attributes=tuple(columns),
        remarks=_silent(images, path, said) + remarks,
    )


def _captions(images: Images, path: Path, everywhere: Sequence[Path], present: Collection[str]) -> Images:
    table, said = Table(path, ("file", "caption")), dict[str, list[str]]()
    known = [foreign.captions(cell, table.where(i)) for i, cell in enumerate(table.column("caption"))]
    names, remarks = _names(table, present)
    for name, texts in zip(names, known, strict=True):
        if texts:
            said.setdefault(name, []).extend(texts)
    remarks += foreign.unsaid(table.column("caption"), known, path.name)
    captions = [said.get(name, ()) for name in images.names]
    return replace(images, captions=captions, remarks=_silent(images, path, said) + remarks)


def _values(table: Table, column: str) -> list[int | None]:
    return [foreign.attribute(cell, table.where(i), column) for i, cell in enumerate(table.column(column))]


def _names(table: Table, present: Collection[str]) -> tuple[list[str], tuple[str, ...]]:
    """The image that each row names, and a remark on names that fit but for something. Raises Refusal when a named
    file is not there."""
    names, given = Names(present, table.path.absolute().parent.name), table.column("file")
    found = [names.find(name) for name in given]
    if absent := [i for i, one in enumerate(found) if one.name is None]:
        first = absent[0]
        absence = f"expected names relative to {table.path.parent}{names.near(given[first])}"
        why = found[first].why or table.encoded(first) or absence
        raise Refusal(
            f"{table.path} names {len(absent)} files that are not there, first {given[first].strip()!r} in row "
            f"{table.row(first)}: {why}"
        )
    return [one.name or "" for one in found], remarks_on(found, table.path)


def _agree(said: dict[str, Value], name: str, value: Value, where: str) -> None:
    """Notes what a row says of a file. Raises Refusal when another row says otherwise."""
    if said.setdefault(name, value) != value:
        raise Refusal(f"{where}: {value} for {name}, but {said[name]} in a row before")


def _silent(images: Images, path: Path, said: Collection[str]) -> tuple[str, ...]:
    """The remarks, and how many images the table leaves out."""
    silent = sum(name not in said for name in images.names)
    return (
        (*images.remarks, f"{path.name} says nothing of {silent} of {len(images)} images") if silent else images.remarks
    )
