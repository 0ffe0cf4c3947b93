"""What the sub-folders of a folder of images are: splits, classes or nothing.

Their names alone decide; where these can be read in two ways nothing is guessed.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from latelier.data.sources.listing import FEW, Listing
from latelier.data.sources.own import is_sheet
from latelier.data.sources.splits import in_order, split_name, split_words
from latelier.data.sources.tables import TABLES, is_table
from latelier.errors import Refusal

NAMED = 4  # folders that a sentence names
DATE = re.compile(r"(1[89]|20)\d\d([-_. ]?\d\d?){0,2}")


@dataclass(frozen=True)
class Layout:
    """Names are relative to the source, and end in "/"."""

    splits: Mapping[str, str] = field(default_factory=dict)  # split -> its folder; empty: all images are one set
    inside: str = ""  # the folder that all images lie in, where there is one
    classes: tuple[str, ...] = ()  # folders that are classes, of all splits
    left: Mapping[str, int] = field(default_factory=dict)  # folder, or "" -> images in it that belong to no split
    remarks: tuple[str, ...] = ()


def lay_out(root: Path, images: Listing, reading: str = "") -> Layout:
    """The layout of a folder with these images. ``reading``: "classes", "splits" or "images" say what sub-folders
    are, within splits where there is nothing but splits; anything else leaves it to their names. Raises Refusal where
    these can be read in two ways."""
    inside, tops = "", _tops(root, images)
    while reading not in ("classes", "images") and len(tops) == 1 and not _tables(root / inside):
        (only,) = tops
        if not only or split_name(only, whole=True):
            break
        inside, tops = f"{inside}{only}/", _tops(root, images, f"{inside}{only}/")
    plain = len({split_name(top, whole=True) for top in tops} - {None}) == len(tops)  # splits and nothing else
    parted = plain or reading not in ("classes", "images")
    splits = _splits(root / inside, tops, reading == "splits") if parted else {}
    places = {split: f"{inside}{splits[split]}/" for split in in_order(splits)}
    left = {f"{inside}{top}/" if top else inside: n for top, n in tops.items() if top not in splits.values()}
    if splits and (tables := _tables(root / inside)):
        each = ", ".join(sorted(splits.values()))
        raise Refusal(f"{root / inside / tables[0]} stands beside split folders: put one into each of {each}")
    remarks = [f"{_listed(left)}: in no split ({', '.join(places)}), not used"] if splits and left else []
    folders, folders_of = Counter[str](), list(places.values()) or [inside]
    for place in folders_of:
        folders.update(_tops(root, images, place) if place != inside else tops)
    loose = folders.pop("", 0)
    table = all(TABLES[0] in _tables(root / place) for place in folders_of)
    no_classes = reading == "images" or table
    doubt = "" if no_classes or reading == "classes" else _no_classes(list(folders), loose, inside)
    if not (no_classes or doubt or splits or reading == "classes"):
        _no_sets(root, images, inside)
    if table and reading != "images" and len(folders) > 1 and not _no_classes(list(folders), loose, inside):
        remarks.append(f"{TABLES[0]} says what classes are, and the folders {_listed(folders)} do not")
    if doubt:
        remarks.append(f"{doubt}; --as classes takes folders as classes")
    elif (like := [name for name in folders if split_words(name)]) and not no_classes and reading != "classes":
        remarks.append(f"{_listed(like)}: taken as classes like the other folders")
    classes = () if no_classes or doubt else tuple(sorted(folders))
    return Layout(places, inside, classes, left if splits else {}, tuple(remarks))


def _tops(root: Path, images: Listing, within: str = "") -> Counter[str]:
    """First folder below ``within`` -> images in it, "" of those in none; without folders of nothing but sheets."""
    found, first = Counter[str](), dict[str, list[str]]()
    for name, files in images.within(within):
        if files.count:
            top = name.partition("/")[0]
            found[top] += files.count
            first.setdefault(top, []).extend(files.first)
    for top, names in first.items():
        if found[top] <= FEW and all(name.lower().endswith(".png") and is_sheet(root / name) for name in names):
            del found[top]
    return found


def _tables(folder: Path) -> list[str]:
    return [name for name in TABLES if is_table(folder / name)]


def _splits(folder: Path, tops: Mapping[str, int], wanted: bool) -> dict[str, str]:
    """Split -> folder. ``wanted``: splits are asked for, so that names that only begin like theirs will do."""
    names = sorted(filter(None, tops))
    exact = _by_split(folder, ((split_name(name, whole=True), name) for name in names))
    like = {name: words for name in names if name not in exact.values() and (words := split_words(name))}
    others = [name for name in tops if name not in exact.values()]
    if wanted:
        missing = ((split, name) for name, words in like.items() for split in words if split not in exact)
        exact |= _by_split(folder, missing)
        if not exact:
            raise Refusal(f"{folder} has no sub-folders named like splits (train, validation, test): leave --as out")
    elif not exact:
        if len({split for words in like.values() for split in words}) > 1 or (like and len(like) == len(tops)):
            raise Refusal(
                f"{folder}: {_listed(like)} may be splits or classes: --as splits takes what is named like a split as "
                "one, --as classes each folder as a class"
            )
    elif len(exact) == 1 and any(name not in like and name != folder.name for name in others):
        (one,) = exact.values()
        beside = _listed([f"{name}/" if name else "images in no folder" for name in others])
        raise Refusal(
            f"{folder}: {one}/ is named like a split and stands beside {beside}: --as splits takes {one} alone, "
            f"--as classes each folder as a class; or give {folder / one}"
        )
    return exact


def _by_split(folder: Path, pairs: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """Raises Refusal where two folders are one split."""
    found: dict[str, str] = {}
    for split, name in pairs:
        if split and found.setdefault(split, name) != name:
            raise Refusal(
                f"{folder}: {found[split]}/ and {name}/ are both called {split}; give one, as {folder / name}"
            )
    return found


def _no_classes(folders: Sequence[str], loose: int, inside: str) -> str:
    """Why folders are no classes, in words; "" where they are, or where there is none."""
    if len(folders) < 2:
        here = f"{_listed(folders)}/" if folders else _listed([inside]) if inside else ""
        beside = f" or beside it ({loose})" if loose and folders else ""
        return f"all images lie in {here}{beside}, which is no class" if here else ""
    if not all(name.isdecimal() or DATE.fullmatch(name) for name in folders):
        return ""
    numbers = sorted(int(name) if name.isdecimal() else -1 for name in folders)
    if numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
        return ""  # numbered through, as published sets number their classes
    return f"the folders {_listed(folders)} are called by years or numbers, and no classes"


def _no_sets(root: Path, images: Listing, inside: str) -> None:
    """Raises Refusal where folders hold splits of their own: they are sets, and no classes of one."""
    below = (name.split("/", 2) for name, files in images.within(inside) if files.count and name.count("/") > 1)
    inner = {(top, folder) for top, folder, _ in below}
    sets = {f"{inside}{top}/": folder for top, folder in sorted(inner) if split_name(folder, whole=True)}
    if sets:
        first, folder = next(iter(sets.items()))
        own = "has splits of its own" if len(sets) == 1 else "have splits of their own"
        give = f"give {root / first}{' or another' * (len(sets) > 1)}"
        raise Refusal(f"{root}: {_listed(sets)} {own} ({folder}/): {give}, or --as classes to take folders as classes")


def _listed(names: Collection[str]) -> str:
    shown = [" ".join(name.split()) for name in sorted(names)[:NAMED]]  # on one line, whatever they hold
    return ", ".join(name or "images in no folder" for name in shown) + (", ..." if len(names) > NAMED else "")
