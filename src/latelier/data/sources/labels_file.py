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
from latelier.data.remote.patterns import is_address, parted
from latelier.data.sources.names import Found, Names, remarks_on
from latelier.data.sources.table import Table
from latelier.errors import Refusal

HEADER = {"file": ("file", "filename", "image", "name", "path"), "class": ("class", "label", "category")}


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
    names, (rows, odd) = _names(images), read(path, kept)
    place = {name: at for at, name in enumerate(map(str, images.names))}
    said, absent, elsewhere, fitted = dict[int, Row](), list[str](), set[Label](), list[Found]()
    for row in rows:
        found = names.find(row.name)
        at = place.get(found.name or "") if own or found.split or not names.split else None
        if at is None:
            if found.split not in ("", names.split):
                elsewhere.add(row.label)
            elif found.why and own:
                raise Refusal(f"{path}, row {row.place}: no image is called {row.name!r}: {found.why}")
            elif found.name is None:
                absent.append(row.name)
            continue
        fitted.append(found)
        if said.setdefault(at, row).label != row.label:
            first = said[at]
            raise Refusal(
                f"{path}: {images.names[at]} is {str(first.label)!r} in row {first.place} and {str(row.label)!r} in "
                f"row {row.place}; leave one of the two"
            )
    if not said:
        if own:
            raise Refusal(
                f"{path} names none of the {len(images)} images of {images.source}: {_first(rows)}; expected names "
                f"like {str(images.names[0])!r}"
            )
        return images
    known = [said[at].label if at in said else None for at in range(len(images))]
    label, classes = number(known, [*(row.label for row in said.values()), *elsewhere], None, str(path), between=False)
    words = [None if one is None else str(one) for one in known]
    remarks = [*images.remarks, _summary(images, path, len(said), len(classes)), *_spellings(path, words)]
    remarks += (*remarks_on(fitted, path), *odd)
    if absent:
        remarks.append(
            f"{path.name}: {len(absent)} of its {len(rows)} names are not among the images, first {absent[0]!r}"
            f"{names.near(absent[0])}; "
            f"expected names like {str(images.names[0])!r}"
        )
    return sealed(replace(images, label=label, classes=classes, remarks=tuple(remarks)), images.source)


def in_full(images: Images, path: Path) -> Iterator[tuple[str, str]]:
    """Name and class of every row of the file, names with their split and without what leads to the source's folder:
    they fit wherever file and folder are moved to."""
    names = _names(images)
    for row in read(path)[0]:
        found = names.find(row.name)
        known = names.short(row.name) if found.name is None else found.name
        yield f"{names.split}/{known}" if names.split and found.name is not None else known, str(row.label)


def read(path: Path, kept: bool = False) -> tuple[list[Row], tuple[str, ...]]:
    """The rows that name a class, and a remark on values that say nothing. Raises Refusal for what is no such table."""
    return _rows(_table(path), kept)


def with_columns(path: Path) -> tuple[list[str], list[Row]]:
    """The names of all columns, and the rows that name a class. Raises Refusal for what is no such table."""
    table = _table(path)
    return table.named, _rows(table, kept=False)[0]


def _table(path: Path) -> Table:
    if path.is_dir() or not path.exists():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise Refusal(f"--labels-file {path}: {what}; give a CSV file with the columns file,class")
    return Table(path, tuple(HEADER), _header)


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
    table, names, cells = Table(path, tuple(HEADER), _header), _names(images), [""] * len(images)
    if column in table.columns:
        place = {str(name): at for at, name in enumerate(images.names)}
        for name, cell in zip(table.column("file"), table.column(column), strict=True):
            at = place.get(names.find(name).name or "")
            if at is not None:
                cells[at] = cell.strip()
    return cells


def source_parts(source: str) -> tuple[str, str]:
    """A data argument, and the split behind its last colon or ""."""
    if is_address(source):
        return parted(source)
    head, _, tail = source.rpartition(":")
    return (head, tail) if head and not Path(source).exists() else (source, "")


def _names(images: Images) -> Names:
    """Those that could not be decoded too: they are not called absent."""
    base, split = source_parts(images.source)
    return Names([*map(str, images.names), *images.skipped], Path(base).name, split)


def _header(columns: list[str]) -> list[str]:
    """The first line with the names that this module goes by; the first of ``HEADER``'s that is there counts."""
    lower = [column.lower() for column in columns]
    for name, others in HEADER.items():
        if found := [lower.index(other) for other in others if other in lower]:
            columns = [name if i == found[0] else column for i, column in enumerate(columns)]
    return columns


def _first(rows: list[Row]) -> str:
    return f"its first name is {rows[0].name!r}" if rows else "no row has a class"


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
