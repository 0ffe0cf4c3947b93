"""Every file of a source on disk: what it is used for, or why it is not."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from latelier.data.packing.formats import is_image_file
from latelier.data.sources.endings import ending, helps
from latelier.data.sources.evidence import SHARDS
from latelier.data.sources.open import Place
from latelier.data.sources.own import is_own_file, is_sheet
from latelier.data.sources.tables import TABLES, is_table
from latelier.data.sources.tree import OWN, walk


@dataclass
class Account:
    """Where the files of a source go: ``files`` = images (of a folder) + shards + tables + unused."""

    files: int = 0
    images: Counter[str] = field(default_factory=Counter)  # of a folder: split, or "" -> image files
    shards: int = 0
    tables: list[str] = field(default_factory=list)  # relative to the source
    unused: Counter[tuple[str, str]] = field(default_factory=Counter)  # (ending, why) -> files


def account(path: Path, place: Place, look: bool) -> Account:
    """The account of a path. ``look``: images are opened too to tell what latelier wrote; otherwise its sheets count
    as images."""
    found, ledger = place.found, Account()
    if found is None:
        return ledger
    if place.listed:  # what lies beside shards that are named is not looked for
        ledger.files = ledger.shards = len(found.shards)
        return ledger
    if path.is_file():
        names = path.parent / "names.json"
        ledger.files, ledger.shards = 1, 1
        if names.is_file():
            ledger.files, ledger.tables = 2, [f"../{names.name}"]
        return ledger
    folders = place.layout.splits or {"": place.layout.inside}
    tables, other = set(_tables(path, place)), f"another kind than what is read ({found.kind})"
    shards = {file.relative_to(path).as_posix() for file in found.shards}
    without = {file.relative_to(path).as_posix(): why for file, why in found.without.items()}
    for leaf in walk(path, everything=True):
        ledger.files += 1
        why, end = leaf.why, ending(leaf.name)
        if not why and is_image_file(leaf.name):
            split = next((split for split, start in folders.items() if leaf.name.startswith(start)), None)
            if look and end == ".png" and is_sheet(path / leaf.name):
                why = OWN
            elif found.kind != "folder":
                why = other
            elif split is None:
                why = "in no split"
            else:
                ledger.images[split] += 1
                continue
        elif not why and leaf.name in shards:
            ledger.shards += 1
            continue
        elif not why and leaf.name in tables:
            ledger.tables.append(leaf.name)
            continue
        if not why and is_own_file(path / leaf.name):
            why = OWN
        if not why and (name := leaf.name.rpartition("/")[2]) in TABLES and found.kind == "folder":
            why = f"{name} belongs in the folder that is given, or in its splits"
        why = why or without.get(leaf.name) or (other if end in SHARDS else "") or helps(end)
        ledger.unused[end, why or ("not read" if found.kind == "folder" else "beside shards")] += 1
    return ledger


def _tables(path: Path, place: Place) -> list[str]:
    """Names of the tables that are read."""
    if place.found is not None and place.found.kind != "folder":
        return ["names.json"]
    layout = place.layout
    folders = list(layout.splits.values()) or ["", layout.inside]
    return [f"{folder}{name}" for folder in folders for name in TABLES if is_table(path / folder / name)]
