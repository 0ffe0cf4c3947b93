"""What people say of images on the page: classes, and yes or no to attributes.

Each change is on disk before it is answered, so that a crash loses none. The files are the truth: what another page
or another program has written is read before anything is changed."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latelier.data import foreign
from latelier.data.images import Images
from latelier.data.sources.table import NAMELESS
from latelier.errors import Refusal
from latelier.explore.label_files import WORDS, LabelFiles, Notes
from latelier.storage import files

LONGEST = 60  # characters of the name of a class or an attribute
CLASSES, ATTRIBUTES = 1_000, 200  # that there may be
CHANGES = 200  # that can be taken back
OF_TABLES = ("file", "label", "class", "why")  # columns that are no attributes


class Change(NamedTuple):
    """One thing said of some images."""

    tab: str  # of the browser that it came from
    attribute: str  # or "": the class
    before: dict[int, str | None]  # row -> what was said before
    after: str | None


class LabelBook:
    """Classes and attributes of one set of images, by row; safe to be asked by several threads."""

    def __init__(self, images: Images, path: Path):
        """Goes on from the file at ``path``, if it is there; without it, a set that is labelled in part goes on from
        those labels, and one that is labelled in full begins anew. Raises Refusal as ``LabelFiles.update`` does."""
        self._files = LabelFiles(images, path)
        self._count = len(images)
        self._lock = threading.RLock()
        self._changes: list[Change] = []
        self._revision = 0
        self._notes = Notes(classes=list(map(str, images.classes)), attributes={k: {} for k in images.attributes})
        known = np.flatnonzero(images.label >= 0)
        if len(known) < len(images) and not path.exists():
            self._notes.label = {int(row): str(images.classes[images.label[row]]) for row in known}
            self._notes.why = dict.fromkeys(self._notes.label, "given")
        self._files.update(self._notes)

    @property
    def path(self) -> Path:
        """Of the file of classes."""
        return self._files.path

    @property
    def attributes_path(self) -> Path:
        """Of the file of attributes."""
        return self._files.attributes_path

    @property
    def revision(self) -> int:
        """Grows with every change of classes, also of others to the files."""
        with self._lock:
            self._revision += self._files.update(self._notes)
            return self._revision

    def notes(self) -> tuple[Notes, int]:
        """A copy of what is said now, and its revision."""
        with self._lock:
            revision = self.revision  # which reads what is new
            return self._notes.copy(), revision

    def numbers(self) -> tuple[np.ndarray, list[str], int]:
        """int64 [n]: each image's class by its number in the list that stands beside, or -1; and the revision."""
        notes, revision = self.notes()
        number = {name: at for at, name in enumerate(notes.classes)}
        found = np.full(self._count, -1, np.int64)
        for row, name in notes.label.items():
            found[row] = number[name]
        return found, notes.classes, revision

    def give(
        self,
        rows: Iterable[int],
        name: str | None,
        tab: str = "",
        why: Mapping[int, str] | None = None,
        fresh: bool = False,
    ) -> dict[int, str]:
        """Says that these images are of a class, by name, or with None of an unknown one. ``why`` they were looked at
        is kept beside. ``fresh``: who says so has seen none of them labelled; those that have got another class
        meanwhile keep it and are answered, by row. Raises Refusal for a name that no labels file can hold, and where
        nothing can be written."""
        name = None if name is None else checked(name, "class")
        with self._changing("") as notes:
            given = [int(row) for row in rows]
            taken = {row: notes.label[row] for row in given if fresh and notes.label.get(row, name) != name}
            notes.classes = list(dict.fromkeys([*notes.classes, *([] if name is None else [name])]))
            self._put(notes, "", {row: name for row in given if row not in taken}, tab)
            for row, said in (why or {}).items():
                if row in notes.label:
                    notes.why.setdefault(row, said)
            notes.why = {row: said for row, said in notes.why.items() if row in notes.label}
        return taken

    def mark(self, rows: Iterable[int], attribute: str, value: str | None, tab: str = "") -> None:
        """Says that these images have an attribute ("yes") or not ("no"), or with None that this is unknown. Raises
        Refusal as ``give`` does."""
        attribute = checked(attribute, "attribute")
        if value not in (None, *WORDS.values()):
            raise Refusal(f'an attribute is "yes", "no" or unknown, but got {str(value)[:LONGEST]!r}')
        with self._changing(attribute) as notes:
            self._put(notes, attribute, {int(row): value for row in rows}, tab)

    def undo(self, tab: str = "") -> list[int]:
        """Takes back the tab's last change, where no other change followed; the rows that changed."""
        at = next((i for i in reversed(range(len(self._changes))) if self._changes[i].tab == tab), None)
        if at is None:
            return []
        change = self._changes[at]
        with self._changing(change.attribute) as notes:
            said = notes.of(change.attribute)
            rows = [row for row in change.before if said.get(row) == change.after]
            for row in rows:
                _put(said, row, change.before[row])
            del self._changes[at]
        return rows

    def _put(self, notes: Notes, attribute: str, values: Mapping[int, str | None], tab: str) -> None:
        said = notes.of(attribute)
        after = next(iter(values.values()), None)
        before = {row: said.get(row) for row in values}
        for row, value in values.items():
            _put(said, row, value)
        if len(notes.classes) > CLASSES or len(notes.attributes) > ATTRIBUTES:
            raise Refusal(f"{CLASSES} classes and {ATTRIBUTES} attributes are the most here; use one that is there")
        if values:
            self._changes = [*self._changes[1 - CHANGES :], Change(tab, attribute, before, after)]

    @contextmanager
    def _changing(self, attribute: str) -> Iterator[Notes]:
        """The notes, as they are on disk now, to be changed; written when the block ends well, and otherwise as they
        were."""
        with self._lock, files.locked(self.path):
            self._files.update(self._notes)
            kept, changes = self._notes.copy(), list(self._changes)
            try:
                yield self._notes
                self._files.write(self._notes, attribute)
            except BaseException:
                self._notes, self._changes = kept, changes
                raise
            self._revision += not attribute


def checked(name: str, what: str) -> str:
    """The name of a class or an attribute as a file will give it back. Raises Refusal for one that it cannot hold."""
    if len(name) > LONGEST or not name.strip():
        raise Refusal(f"the name of a class or an attribute has 1 to {LONGEST} characters, but got {name[:LONGEST]!r}")
    if what == "attribute" and (name.strip().casefold() in OF_TABLES or NAMELESS.fullmatch(name.strip())):
        raise Refusal(f"a table of attributes has another use for {name!r}; give the attribute another name")
    found = foreign.label(name, "the page", what)
    if found is None:
        raise Refusal(f"{name!r} says in a table that nothing is known; give the {what} another name")
    return str(found)


def _put(said: dict[int, str], row: int, value: str | None) -> None:
    if value is None:
        said.pop(row, None)
    else:
        said[row] = value
