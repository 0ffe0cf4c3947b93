"""A folder of pictures: class sub-folders, or flat with tables beside the files (``tables.py``)."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from latelier.core import Refusal
from latelier.data.classes import number
from latelier.data.formats import advice, is_picture, unread
from latelier.data.images import Images
from latelier.data.plan import Plan, unknown
from latelier.data.splits import split_name
from latelier.data.tables import TABLES, annotate


def folder_splits(root: Path) -> dict[str, Path]:
    """Split -> its sub-folder; empty if the folder has none: that is, unless all of its sub-folders with pictures are
    named like splits and no picture stands beside them. (Buses, cars and trains may be classes.)"""
    folders = {entry.name: Path(entry.path) for entry in _visible(root) if entry.is_dir()}
    holding = {name: path for name, path in folders.items() if next(_pictures(path), None)}
    splits = {split: path for name, path in holding.items() if (split := split_name(name, whole=True))}
    if not splits or len(splits) < len(holding) or any(is_picture(entry.name) for entry in _visible(root)):
        return {}
    if tables := [name for name in TABLES if (root / name).exists()]:
        raise Refusal(
            f"{root / tables[0]} stands beside split folders: put one into each of {', '.join(sorted(holding))}"
        )
    return splits


@dataclass(frozen=True)
class Folder:
    """One split's pictures."""

    path: Path
    beside: tuple[Path, ...]  # the folders of all splits, this one too

    @cached_property
    def files(self) -> list[tuple[str, int, int]]:
        """Name relative to the folder, size in bytes and time of change of every picture file, by name."""
        return sorted(_pictures(self.path))

    @cached_property
    def unread(self) -> list[str]:
        """A sentence for each ending of pictures that are not read here, and what would help."""
        names = (entry.name for _, entry in _files(self.path))
        endings = (name.rpartition(".")[2].lower() for name in names if not is_picture(name) and advice(name))
        return unread(Counter(endings))

    @property
    def stamp(self) -> object:
        return ["folder", str(self.path.resolve()), self.files]

    def contents(self) -> Plan:
        if not self.files:
            expected = "; ".join(self.unread) or "expected files that end in .png, .jpg and the like"
            raise Refusal(f"{self.path}: no pictures in this folder; {expected}")
        names = [name for name, _, _ in self.files]
        return Plan("files", [str(self.path.absolute())], names, unknown(names))

    def annotate(self, images: Images) -> Images:
        """Labels from the sub-folders' names, then what the tables say; these are read anew each time, so that a
        corrected label costs no decoding."""
        if not (self.path / TABLES[0]).is_file():
            values = [_class(name) for name in images.names]
            label, classes = number(values, self._classes() if any(values) else [], None, str(self.path))
            images = replace(images, label=label, classes=classes)
            if classes and (loose := values.count(None)):
                remark = f"{loose} of {len(images)} pictures stand beside the class folders: their class is unknown"
                images = replace(images, remarks=(*images.remarks, remark))
        images = replace(images, remarks=(*images.remarks, *self.unread))
        return annotate(images, self.path, self.beside, {name for name, _, _ in self.files})

    def _classes(self) -> list[str]:
        """Sub-folders of all splits that hold pictures."""
        return [
            entry.name
            for path in self.beside
            for entry in _visible(path)
            if entry.is_dir() and next(_pictures(Path(entry.path)), None)
        ]


def _class(name: str) -> str | None:
    """The first folder of a relative name."""
    return name.split("/", 1)[0] if "/" in name else None


def _visible(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def _pictures(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of all picture files below a folder."""
    for within, entry in _files(folder):
        if is_picture(entry.name):
            try:
                status = entry.stat()
            except OSError:  # a link to nowhere: decoding will name it
                yield within + entry.name, -1, -1
            else:
                yield within + entry.name, status.st_size, status.st_mtime_ns


def _files(
    folder: Path, within: str = "", above: tuple[tuple[int, int], ...] = ()
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """All files below a folder, each after the folders that it is in; links are followed, but not in circles."""
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in _visible(folder):
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{within}{entry.name}/", (*above, here))
        else:
            yield within, entry
