"""The packs of a cache: what each holds, which can go, and their removal. What is not a pack is never touched."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from latelier.data.packing.holding import in_use, remove
from latelier.data.packing.info import check_lengths, read_info
from latelier.data.packing.reuse import is_key, used
from latelier.data.packing.sums import DamagedError

FILES = re.compile(  # of packs of this and of earlier versions, finished and not
    r"(pixels|label|attribute|origin|sums|known|truth-\w+)\.npy|(names|captions)\.arrow|(info|rows)\.json|skipped\.txt"
    r"|done\.jsonl|lock|used"
)


class Pack(NamedTuple):
    """One folder of decoded images."""

    folder: Path
    source: str  # what the user gave, with its split; "" where that is not known
    images: int
    shape: tuple[int, ...]  # h, w, c
    bytes: int
    used: float  # when last, in seconds since 1970
    open: bool  # a process has it open, or makes it
    fault: str  # why it cannot be used: unfinished, damaged, of another version; "" if it can


def shelved(packs: Path) -> tuple[list[Pack], list[Path]]:
    """The packs in a folder, those used last first, and what else lies there."""
    found, others = list[Pack](), list[Path]()
    for folder in sorted(packs.iterdir()) if packs.is_dir() else []:
        try:
            length = _bytes(folder)
        except OSError:  # removed, or renamed, meanwhile
            continue
        if length is None:
            others.append(folder)
            continue
        source, images, shape, fault = "", 0, tuple[int, ...](), "unfinished"
        if not folder.suffix:
            try:
                info = read_info(folder)
                check_lengths(folder, info)
            except DamagedError as error:
                fault = str(error)
            else:
                source, images, shape, fault = info["source"], info["rows"], tuple(info["shape"]), ""
        found.append(Pack(folder, source, images, shape, length, used(folder), in_use(folder), fault))
    return sorted(found, key=lambda pack: -pack.used), others


def prunable(packs: Sequence[Pack], unused: float | None, over: int | None) -> list[Pack]:
    """Which of them go: those that cannot be used; those not used for ``unused`` seconds; and the longest unused, until
    the rest are at most ``over`` bytes. Never one that is open."""
    before = time.time() - unused if unused is not None else 0.0
    going = [pack for pack in packs if not pack.open and (pack.fault or pack.used < before)]
    left = sum(pack.bytes for pack in packs) - sum(pack.bytes for pack in going)
    for pack in sorted(packs, key=lambda pack: pack.used):
        if over is not None and left > over and not pack.open and pack not in going:
            going.append(pack)
            left -= pack.bytes
    return going


def pruned(packs: Sequence[Pack]) -> list[Pack]:
    """Removes these, and returns those that are gone; one that somebody has opened meanwhile stays. Raises OSError."""
    return [pack for pack in packs if remove(pack.folder)]


def _bytes(folder: Path) -> int | None:
    """Of all files together; None for what is not a pack. Raises OSError."""
    if not is_key(folder.stem) or folder.suffix not in ("", ".part", ".gone") or folder.is_symlink():
        return None
    if not folder.is_dir():
        return None
    total = 0
    for path in folder.iterdir():
        if not FILES.fullmatch(path.name) or path.is_symlink() or not path.is_file():
            return None
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
