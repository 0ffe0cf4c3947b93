"""A labels file: a CSV anywhere that gives some pictures a class, in place of what their source says of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latelier.core import Refusal
from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.pack import sealed
from latelier.data.splits import split_name
from latelier.data.tables import Table

HEADER = {"file": ("file", "filename", "image", "name", "path"), "class": ("class", "label", "category")}
DELIMITERS = ",;\t"


class Row(NamedTuple):
    """What one row says."""

    place: int  # in the file, from 1
    name: str
    word: str  # the class


class Names:
    """Pictures by what a labels file may call them: by name, with the folder above (``pictures/cat/1.png``), with the
    name of their split (``train/1.png``), or both."""

    def __init__(self, images: Images):
        base, self.split = source_parts(images.source)
        self.folder = Path(base).name
        self.rows = {str(name): row for row, name in enumerate(images.names)}

    def short(self, name: str) -> str:
        """The name without what leads to the source's folder."""
        name = name.removeprefix("./")
        _, found, rest = f"/{name}".rpartition(f"/{self.folder}/")
        return rest if found and name not in self.rows else name

    def of_split(self, name: str) -> str | None:
        """The split that a short name begins with, where there are splits."""
        first, _, rest = name.partition("/")
        return split_name(first, whole=True) if self.split and rest and name not in self.rows else None

    def row(self, name: str, bare: bool) -> int | None:
        """The row of a picture; none where it is not among them. ``bare``: a name without a split is one of theirs."""
        name = self.short(name)
        if self.split and self.of_split(name) == self.split:
            return self.rows.get(name.partition("/")[2])
        return self.rows.get(name) if bare or not self.split else None


def labelled(images: Images, path: Path, own: bool) -> Images:
    """The same pictures with the classes that the file gives them and no other; remarks say what it leaves out.

    ``own``: the file was given for these, so that one must fit at least; otherwise they stay as they are where none
    does, and of a source with splits only names with their split's are theirs. Raises Refusal for what is no such file,
    for one that contradicts itself or, if ``own``, fits none of the pictures."""
    names, said, absent, elsewhere = Names(images), dict[int, Row](), list[str](), set[str]()
    rows = read(path)
    for row in rows:
        at = names.row(row.name, bare=own)
        if at is None:
            short = names.short(row.name)
            if names.of_split(short) not in (None, names.split):
                elsewhere.add(row.word)
            elif short not in images.skipped:
                absent.append(row.name)
        elif said.setdefault(at, row).word != row.word:
            first = said[at]
            raise Refusal(
                f"{path}: {images.names[at]} is {first.word!r} in row {first.place} and {row.word!r} in row "
                f"{row.place}; leave one of the two"
            )
    if not said:
        if own:
            raise Refusal(
                f"{path} names none of the {len(images)} pictures of {images.source}: {_first(rows)}; expected names "
                f"like {str(images.names[0])!r}"
            )
        return images
    words = [said[at].word if at in said else None for at in range(len(images))]
    label, classes = number(words, [*filter(None, words), *elsewhere], None, str(path))
    remarks = [*images.remarks, _summary(images, path, len(said), len(classes)), *_spellings(path, words)]
    if absent:
        remarks.append(
            f"{path.name}: {len(absent)} of its {len(rows)} names are not among the pictures, first {absent[0]!r}; "
            f"expected names like {str(images.names[0])!r}"
        )
    return sealed(replace(images, label=label, classes=classes, remarks=tuple(remarks)), images.source)


def in_full(images: Images, path: Path) -> Iterator[tuple[str, str]]:
    """Name and class of every row of the file, names with their split and without what leads to the source's folder:
    they fit wherever file and folder are moved to."""
    names = Names(images)
    for row in read(path):
        at, short = names.row(row.name, bare=True), names.short(row.name)
        known = short if at is None else str(images.names[at])
        yield f"{names.split}/{known}" if names.split and at is not None else known, row.word


def read(path: Path) -> list[Row]:
    """The rows that name a class. Raises Refusal for what is no such table."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
    except OSError as error:
        raise Refusal(f"--labels-file {path}: {error.strerror}; give a CSV file with the columns file,class") from error
    table = Table(path, tuple(HEADER), _header, max(DELIMITERS, key=first.count))
    found = zip(table.lines, table.column("file"), table.column("class"), strict=True)
    return [Row(place, name, word) for (place, _), name, word in found if word]


def source_parts(source: str) -> tuple[str, str]:
    """A data argument, and the split behind its last colon or ""."""
    head, _, tail = source.rpartition(":")
    return (head, tail) if head and not Path(source).exists() else (source, "")


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
    return f"{path.name} gives {count} of {len(images)} pictures one of {classes} classes{instead}{rest}"


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
