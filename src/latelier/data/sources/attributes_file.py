"""An attributes file: a CSV anywhere that says of some images which attributes they have, in place of what their source
says."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from latelier.data import foreign
from latelier.data.images import Images
from latelier.data.packing.pack import sealed
from latelier.data.sources.matching import HEADER, Said, check_file, full_name, matched, names_of, renamed
from latelier.data.sources.table import Table
from latelier.errors import Refusal

WORDS = {1: "yes", 0: "no", -1: "unknown"}
Values = tuple[int, ...]


def attributed(images: Images, path: Path, own: bool) -> Images:
    """The same images with the attributes that the file gives them and no other; remarks say what it leaves out.

    ``own`` as for ``matching.matched``; otherwise images of which the file says nothing stay as they are. Raises
    Refusal for what is no such file, for one that contradicts itself or, if ``own``, fits none of the images."""
    table = _table(path)
    columns, rows, odd = _read(table)

    def words(values: Values) -> str:
        return ", ".join(f"{name}: {WORDS[value]}" for name, value in zip(columns, values, strict=True))

    found = matched(images, path, rows, own, words)
    if not found.of:
        return images
    nothing = (-1,) * len(columns)
    attribute = np.array([found.of.get(at, nothing) for at in range(len(images))], np.int8)
    instead = f", in place of the {len(images.attributes)} that these have by themselves" if images.attributes else ""
    rest = "" if len(found.of) == len(images) else "; of the others none is known"
    remark = f"{path.name} says of {len(found.of)} of {len(images)} images whether they have {', '.join(columns)}"
    return sealed(
        replace(
            images,
            attribute=attribute.reshape(len(images), len(columns)),
            attributes=tuple(columns),
            remarks=(*images.remarks, f"{remark}{instead}{rest}", *found.remarks, *odd),
        ),
        images.source,
    )


def in_full(images: Images, path: Path) -> Iterator[list[str]]:
    """The file's first line and its rows as they are kept in a run: names with their split and without what leads to
    the source's folder, values as 1, 0 or nothing."""
    columns, rows, _ = _read(_table(path))
    names = names_of(images)
    yield ["file", *columns]
    for row in rows:
        yield [full_name(names, row.name), *("" if value < 0 else str(value) for value in row.value)]


def _table(path: Path) -> Table:
    check_file(path, "--attributes-file", "file and one for each attribute")
    table = Table(path, ("file",), lambda columns: renamed(columns, {"file": HEADER}))
    if not table.named:
        raise Refusal(f"{path}: no column but the images' names; each other one is an attribute, of 1, 0 or nothing")
    return table


def _read(table: Table) -> tuple[list[str], list[Said[Values]], tuple[str, ...]]:
    """The attributes, what each row says, and remarks on values that say nothing."""
    columns = foreign.attributes(table.named, table.path)
    cells = [table.column(column) for column in columns]
    stated = [
        [foreign.attribute(cell, table.where(i), column) for i, cell in enumerate(column_cells)]
        for column, column_cells in zip(columns, cells, strict=True)
    ]
    signs = foreign.signs(chain(*stated))
    every = [
        Said(table.row(i), name, tuple(foreign.known(column[i], signs) for column in stated))
        for i, name in enumerate(table.column("file"))
    ]
    rows = [row for row in every if max(row.value) >= 0]
    if signs:
        return columns, rows, (f"{table.path.name} {foreign.SIGNS}",)
    return columns, rows, foreign.unsaid(chain(*cells), foreign.stated(chain(*stated)), table.path.name)
