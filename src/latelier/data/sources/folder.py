"""A folder of images: class sub-folders, or flat with tables beside the files (``tables.py``)."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.packing.formats import advice, is_image_file, unread
from latelier.data.packing.plan import Plan, unknown
from latelier.data.sources.endings import instead
from latelier.data.sources.own import is_run, is_sheet
from latelier.data.sources.tables import TABLES, annotate, is_table
from latelier.data.sources.tree import OWN, Leaf, walk
from latelier.errors import Refusal


@dataclass(frozen=True)
class Folder:
    """One split's images."""

    path: Path
    beside: tuple[Path, ...]  # the folders of all splits, this one too
    inside: str = ""  # the folder below that all images lie in, where there is one
    classes: tuple[str, ...] = ()  # folders that are classes, of all splits
    remarks: tuple[str, ...] = ()  # on what folders are

    @property
    def files(self) -> list[tuple[str, int, int]]:
        """Name relative to the folder, size in bytes and time of change of every image file, by name."""
        return self._walked[0]

    @property
    def unread(self) -> list[str]:
        """A sentence for each ending of images that are not read here, and what would help."""
        return unread(self._walked[1])

    @cached_property
    def _walked(self) -> tuple[list[tuple[str, int, int]], Counter[str]]:
        """``files``, and ending -> how many of images that are not read."""
        files, others = list[tuple[str, int, int]](), Counter[str]()
        for leaf in walk(self.path):
            if is_image_file(leaf.name):
                files.append(_stated(leaf))
            elif advice(leaf.name):
                others[leaf.name.rpartition(".")[2].lower()] += 1
        return sorted(files), others

    @property
    def stamp(self) -> object:
        return ["folder", str(self.path.resolve()), self.files]

    def contents(self) -> Plan:
        names = [name for name, _, _ in self.files]
        sheets = {name for name in names if name.lower().endswith(".png") and is_sheet(self.path / name)}
        left = [name for name in names if name not in sheets]
        if not left:
            raise Refusal(f"{self.path}: no images in this folder{_but(self.path, len(sheets))}")
        facts = unknown(left)
        if sheets:
            facts = replace(facts, remarks=(f"{len(sheets)} of {len(names)} images: {OWN}, left out",))
        return Plan("files", [str(self.path.absolute())], left, facts)

    def annotate(self, images: Images) -> Images:
        """Labels from the sub-folders' names, then what the tables say; these are read anew each time, so that a
        corrected label costs no decoding."""
        images = replace(images, remarks=(*images.remarks, *self.remarks))
        if self.classes and not is_table(self.path / TABLES[0]):
            values = [self._class(name) for name in images.names]
            label, classes = number(values, self.classes, None, str(self.path))
            images = replace(images, label=label, classes=classes)
            if loose := values.count(None):
                remark = f"{loose} of {len(images)} images stand beside the class folders: their class is unknown"
                images = replace(images, remarks=(*images.remarks, remark))
        images = replace(images, remarks=(*images.remarks, *self.unread))
        return annotate(images, self.path, self.beside, {name for name, _, _ in self.files})

    def _class(self, name: str) -> str | None:
        """The first folder of a relative name."""
        first, found, _ = name.removeprefix(self.inside).partition("/")
        return first if found else None


def _stated(leaf: Leaf) -> tuple[str, int, int]:
    try:
        status = leaf.entry.stat()
    except OSError:  # a link to nowhere: decoding will name it
        return leaf.name, -1, -1
    return leaf.name, status.st_size, status.st_mtime_ns


def _but(folder: Path, sheets: int) -> str:
    """What is there instead of images, in words."""
    if sheets:
        return f" but {sheets} that latelier drew; name the folder of those that it learned from"
    if is_run({entry.name for entry in folder.iterdir()}):
        return ", which is a run; name the folder of those that it learned from"
    there = instead(leaf.name for leaf in walk(folder))
    return f"{f', but {there}' if there else ''}; expected files that end in .png, .jpg and the like"
