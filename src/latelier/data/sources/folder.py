"""A folder of images: class sub-folders, or flat with tables beside the files (``tables.py``)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.packing.formats import unread
from latelier.data.packing.plan import Plan, unknown
from latelier.data.sources.endings import instead
from latelier.data.sources.listing import Listing
from latelier.data.sources.own import is_run, is_sheet
from latelier.data.sources.tables import TABLES, annotate, is_table
from latelier.data.sources.tree import OWN, walk
from latelier.errors import Refusal


@dataclass(frozen=True)
class Folder:
    """One split's images."""

    root: Path  # what was listed
    listing: Listing
    within: str  # the split's folder in it, which ends in "/"; or ""
    beside: tuple[str, ...]  # those of all splits, this one's too
    inside: str = ""  # the folder below that all images lie in, where there is one
    classes: tuple[str, ...] = ()  # folders that are classes, of all splits
    remarks: tuple[str, ...] = ()  # on what folders are

    @property
    def path(self) -> Path:
        return self.root / self.within

    @cached_property
    def unread(self) -> list[str]:
        """A sentence for each ending of images that are not read here, and what would help."""
        return unread(sum((files.unread for _, files in self.listing.within(self.within)), Counter()))

    @cached_property
    def stamp(self) -> object:
        listing = self.listing
        if not listing.stated:
            listing = Listing(stated=True)
            for leaf in walk(self.root):
                listing.add(leaf)
        return ["folder", str(self.path.resolve()), listing.digest(self.within)]

    def contents(self) -> Plan:
        listing = Listing(self.listing.stated)
        names = self._names(listing)
        if listing.stated and listing.digest(self.within) != self.listing.digest(self.within):
            # What is decoded would be found by a stamp that is of other files.
            raise Refusal(f"{self.path}: files changed while they were listed; run the same command again")
        sheets = {name for name in names if name.lower().endswith(".png") and is_sheet(self.path / name)}
        left = [name for name in names if name not in sheets]
        if not left:
            raise Refusal(f"{self.path}: no images in this folder{_but(self.path, len(sheets))}")
        facts = unknown(left)
        if sheets:
            facts = replace(facts, remarks=(f"{len(sheets)} of {len(names)} images: {OWN}, left out",))
        return Plan("files", [str(self.path.absolute())], left, facts)

    def _names(self, listing: Listing) -> list[str]:
        """Of the image files, relative to the split's folder and sorted; they are noted in the listing."""
        leaves = (leaf for leaf in walk(self.root) if leaf.name.startswith(self.within))
        return sorted(leaf.name[len(self.within) :] for leaf in leaves if listing.add(leaf))

    def annotate(self, images: Images) -> Images:
        """Labels from the sub-folders' names, then what the tables say; these are read anew each time, so that a
        corrected label costs no decoding."""
        images = replace(images, remarks=(*images.remarks, *self.remarks))
        if self.classes and not is_table(self.path / TABLES[0]):
            label, classes = self._classes(images.names)
            images = replace(images, label=label, classes=classes)
            if loose := int((label < 0).sum()):
                remark = f"{loose} of {len(images)} images stand beside the class folders: their class is unknown"
                images = replace(images, remarks=(*images.remarks, remark))
        images = replace(images, remarks=(*images.remarks, *self.unread))
        if not any(is_table(self.path / name) for name in TABLES):
            return images
        return annotate(images, self.path, [self.root / name for name in self.beside], set(self._names(Listing())))

    def _classes(self, names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
        """int64 [n] and the names of the classes. ``names`` are sorted, so that those of a folder stand together, and
        two of them are looked for instead of all being read."""
        numbers, classes = number(self.classes, self.classes, None, str(self.path))
        label = np.full(len(names), -1, np.int64)
        for folder, its in zip(self.classes, numbers.tolist(), strict=True):
            start = f"{self.inside}{folder}/"
            first = bisect_left(names, start)
            label[first : bisect_left(names, f"{start[:-1]}{chr(ord('/') + 1)}", first)] = its
        return label, classes


def _but(folder: Path, sheets: int) -> str:
    """What is there instead of images, in words."""
    if sheets:
        return f" but {sheets} that latelier drew; name the folder of those that it learned from"
    if is_run({entry.name for entry in folder.iterdir()}):
        return ", which is a run; name the folder of those that it learned from"
    there = instead(leaf.name for leaf in walk(folder))
    return f"{f', but {there}' if there else ''}; expected files that end in .png, .jpg and the like"
