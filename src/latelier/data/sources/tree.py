"""Every file below a folder, and why some are passed over before anybody looks at what they hold."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from latelier.data.sources.own import is_own

HIDDEN, SYSTEM, OWN = "hidden", "of the operating system", "written by latelier"
OF_SYSTEMS = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})


class Leaf(NamedTuple):
    """A file, or what else is no folder."""

    name: str  # relative to the folder walked, parted by "/"
    entry: "os.DirEntry[str]"
    why: str  # HIDDEN, SYSTEM or OWN, by its own name or a folder above; "" of one to look at


def walk(folder: str | os.PathLike[str], everything: bool = False) -> Iterator[Leaf]:
    """All files below a folder, in no order, of which no list is made; links are followed, but not in circles.
    ``everything``: those that are passed over as well. A folder that latelier wrote is walked where it is named
    itself."""
    todo: list[_Folder] = [_Folder(os.fspath(folder), "", "", ())]
    while todo:
        path, within, why, above = todo.pop()
        status = os.stat(path)
        here = (status.st_dev, status.st_ino)
        if here in above:
            continue
        if above and not why and is_own(path):
            why = OWN
        if why and not everything:
            continue
        with os.scandir(path) as entries:
            for entry in entries:
                reason = why or passed_over(entry.name)
                if reason and not everything:
                    continue
                if entry.is_dir():
                    todo.append(_Folder(entry.path, f"{within}{entry.name}/", reason, (*above, here)))
                else:
                    yield Leaf(within + entry.name, entry, reason)


class _Folder(NamedTuple):
    path: str
    within: str  # its name relative to the folder walked, with "/" at its end
    why: str  # it is passed over
    above: tuple[tuple[int, int], ...]  # the folders that it lies in: device and number


def passed_over(name: str) -> str:
    """HIDDEN or SYSTEM by a name alone, or ""."""
    return SYSTEM if name.lower() in OF_SYSTEMS else HIDDEN if name.startswith(".") else ""
