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


def walk(
    folder: str | os.PathLike[str],
    everything: bool = False,
    *,
    within: str = "",
    why: str = "",
    above: tuple[tuple[int, int], ...] = (),
) -> Iterator[Leaf]:
    """All files below a folder, in no order; links are followed, but not in circles. ``everything``: those that are
    passed over as well. ``within``, ``why`` and ``above`` are of the folder in what is walked: its name there, why it
    is passed over, and the folders that it lies in. A folder that latelier wrote is walked where it is named itself."""
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    with os.scandir(folder) as scanned:
        entries = list(scanned)
    if above and not why and is_own({entry.name for entry in entries}):
        why = OWN
    if why and not everything:
        return
    for entry in entries:
        reason = why or passed_over(entry.name)
        if entry.is_dir():
            if everything or not reason:
                inner = f"{within}{entry.name}/"
                yield from walk(entry.path, everything, within=inner, why=reason, above=(*above, here))
        elif everything or not reason:
            yield Leaf(within + entry.name, entry, reason)


def passed_over(name: str) -> str:
    """HIDDEN or SYSTEM by a name alone, or ""."""
    return SYSTEM if name.lower() in OF_SYSTEMS else HIDDEN if name.startswith(".") else ""
