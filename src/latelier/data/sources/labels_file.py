"""A labels file: a CSV anywhere that gives some images a class, in place of what their source says of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latelier.data.classes import number
from latelier.data.foreign import Label, is_nothing, unsaid
from latelier.data.foreign import labels as labels_of
from latelier.data.images import Images
from latelier.data.packing.pack import sealed
from latelier.data.sources.matching import CLASSES, HEADER, Said, check_file, full_name, matched, names_of, renamed
from latelier.data.sources.table import Table

NAMED = {"file": HEADER, "class": CLASSES}


class Row(NamedTuple):
    """What one row says."""

    place: int  # in the file, from 1
    name: str
    label: Label
    why: str = ""  # somebody chose this image, as the explorer notes it


def labelled(images: Images, path: Path, own: bool, kept: bool = False) -> Images:
    """The same images with the classes that the file gives them and no other; remarks say what it leaves out.

    ``own``: the file was given for these, so that one must fit at least; otherwise they stay as they are where none
    does, and of a source with splits only names with their split's are theirs. ``kept``: it is a run's own copy, whose
    classes are read as they stand. Raises Refusal for what is no such file,
    for one that contradicts itself or, if ``own``, fits none of the images."""
    rows, odd = read(path, kept)
    said = [Said(row.place, row.name, row.label) for row in rows]
    found = matched(images, path, said, own, lambda label: repr(str(label)))
    if not found.of:
        return images
    known = [found.of.get(at) for at in range(len(images))]
    label, classes = number(known, [*found.of.values(), *found.elsewhere], None, str(path), between=False)
    words = [None if one is None else str(one) for one in known]
    remarks = [*images.remarks, _summary(images, path, len(found.of), len(classes)), *_spellings(path, words)]
    remarks += (*found.remarks, *odd)
    return sealed(replace(images, label=label, classes=classes, remarks=tuple(remarks)), images.source)


def in_full(images: Images, path: Path) -> Iterator[tuple[str, str]]:
    """Name and class of every row of the file, names with their split and without what leads to the source's folder:
    they fit wherever file and folder are moved to."""
    names = names_of(images)
    for row in read(path)[0]:
        yield full_name(names, row.name), str(row.label)


def read(path: Path, kept: bool = False) -> tuple[list[Row], tuple[str, ...]]:
    """The rows that name a class, and a remark on values that say nothing. Raises Refusal for what is no such table."""
    return _rows(_table(path), kept)


def with_columns(path: Path) -> tuple[list[str], list[Row]]:
    """The names of all columns, and the rows that name a class. Raises Refusal for what is no such table."""
    table = _table(path)
    return table.named, _rows(table, kept=False)[0]


def _table(path: Path) -> Table:
    check_file(path, "--labels-file", "file,class")
    return Table(path, tuple(NAMED), _header)


def _rows(table: Table, kept: bool) -> tuple[list[Row], tuple[str, ...]]:
    cells = table.column("class")
    whys = table.column("why") if "why" in table.columns else [""] * len(cells)
    labels = (
        [None if is_nothing(word := cell.strip()) else word for cell in cells]
        if kept
        else labels_of(cells, table.where, "class")
    )
    rows = [Row(table.row(i), name, labels[i], whys[i]) for i, name in enumerate(table.column("file"))]
    return [row for row in rows if row.label is not None], unsaid(cells, labels, table.path.name)


def beside(images: Images, path: Path, column: str) -> list[str]:
    """What another column of the file says of each image: n cells, "" where it says nothing or the file has no such
    column. Raises Refusal for what is no such file."""
    table, names, cells = Table(path, tuple(NAMED), _header), names_of(images), [""] * len(images)
    if column in table.columns:
        place = {str(name): at for at, name in enumerate(images.names)}
        for name, cell in zip(table.column("file"), table.column(column), strict=True):
            at = place.get(names.find(name).name or "")
            if at is not None:
                cells[at] = cell.strip()
    return cells


def _header(columns: list[str]) -> list[str]:
    return renamed(columns, NAMED)


def _summary(images: Images, path: Path, count: int, classes: int) -> str:
    before = len(np.unique(images.label[images.label >= 0]))
    instead = f", in place of the {before} classes that these have by themselves" if before else ""
    rest = "" if count == len(images) else "; the others count as unlabelled"
    return f"{path.name} gives {count} of {len(images)} images one of {classes} classes{instead}{rest}"


def _spellings(path: Path, words: list[str | None]) -> Iterator[str]:
    """Warns of classes that may be one, written in two ways."""
    alike: dict[str, list[str]] = {}
    counts = Counter(filter(None, words))
    for word in sorted(counts):
        alike.setdefault("".join(word.casefold().split()), []).append(word)
    for group in alike.values():
        if len(group) > 1:
            listed = " and ".join(f"{word!r} ({counts[word]})" for word in group)
            said = f"differ in case or spaces alone and count as {len(group)} classes; correct it if they are one"
            yield f"{path.name}: {listed} {said}"
