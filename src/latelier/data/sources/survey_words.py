"""A survey in words: all of it for `latelier data SRC`, the head of it for `latelier train`."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.formats import advice
from latelier.data.sources.account import Account
from latelier.data.sources.open import Place
from latelier.data.sources.survey import Part, Survey
from latelier.terminal.tables import counted

KINDS = {"folder": "a folder of images", "parquet": "Parquet", "tar": "tar shards", "built-in": "built in"}
NAMED, FEW = 20, 6  # classes, sizes, reasons that are named: in the whole, and in the head


def whole(survey: Survey) -> list[str]:
    """Lines, whatever names hold."""
    content = survey.json()
    lines = [f"{survey.source}: {KINDS[survey.kind]}"]
    lines += [_split(name, part) for name, part in survey.splits.items()]
    seen = survey.tried == content["images"]["used"] + len(survey.skipped)
    of = "" if seen else f", of {survey.tried:,} tried"
    if survey.sizes:
        lines.append(f"sizes (height x width{of}): {_counted(dict(survey.sizes.most_common()), FEW)}")
    lines += [f"modes: {_counted(survey.modes, NAMED)}"] if survey.modes else []
    lines += [f"tables: {', '.join(survey.files.tables)}"] if survey.files.tables else []
    lines += _duplicates(survey)
    lines += _accounted("files there", content.get("files"), survey.files.unused)
    lines += _accounted("in shards", content.get("inside"), survey.unused)
    lines += [f"  skipped: {name}: {why}" for name, why in list(survey.skipped.items())[:NAMED]]
    more = len(survey.skipped) - NAMED
    lines += [f"  skipped: {more:,} more"] if more > 0 else []
    return [line.replace("\n", " ") for line in (*lines, *survey.remarks)]


def head(place: Place, ledger: Account, images: Images) -> list[str]:
    """At most four lines, on images that are open and the files of their source."""
    kind = place.found.kind if place.found else "built-in"
    counts = {split: n for split, n in ledger.images.items() if split}
    files = f", {counted(ledger.shards, 'file')}" if ledger.shards else ""
    splits = f"; splits: {_counted(counts, NAMED) if counts else ', '.join(place.splits)}" if place.splits else ""
    lines = [f"{images.source}: {KINDS[kind]}{files}, {counted(len(images), 'image')} read{splits}"]
    label = images.label[images.label >= 0]
    if images.classes:
        numbers = np.bincount(label, minlength=len(images.classes)).tolist()
        lines.append(_classes(dict(zip(images.classes, numbers, strict=True)), len(images) - len(label), FEW))
    lines += [f"tables: {', '.join(ledger.tables)}"] if ledger.tables else []
    # What would be images elsewhere stands in the remarks of a folder's images, which all verbs say.
    unused = {key: n for key, n in ledger.unused.items() if kind != "folder" or not advice(key[0])}
    if unused:
        said = reasons(unused)
        rest = f"; {len(said) - FEW} more reasons" if len(said) > FEW else ""
        lines.append(f"not used: {'; '.join(said[:FEW])}{rest} (latelier data SRC says more)")
    return lines


def reasons(unused: Mapping[tuple[str, str], int]) -> list[str]:
    """``60 .heic: pip install 'latelier[heif]'``, the most first. What is passed over by its place has no ending."""
    found = Counter[str]()
    by_place = ("hidden", "of the operating system", "written by latelier", "in no split")
    for (ending, why), n in unused.items():
        found[why if why in by_place else f"{ending or 'without ending'}: {why}"] += n
    return [f"{n:,} {said}" for said, n in found.most_common()]


def _accounted(what: str, n: Mapping[str, int] | None, unused: Mapping[tuple[str, str], int]) -> list[str]:
    if n is None:
        return []
    total = f"{n['there']:,} = {n['used']:,} used + {n['skipped']:,} skipped + {n['unused']:,} unused"
    return [f"{what}: {total}", *(f"  unused: {said}" for said in reasons(unused))]


def _split(name: str, part: Part) -> str:
    said = f"{f'{name}: ' if name else ''}{part.images:,} images"
    words = [_classes(part.classes, part.unlabelled, NAMED)] if part.classes else ["no classes"]
    words += [f"{part.captioned:,} with captions"] if part.captioned else []
    words += [f"attributes {', '.join(part.attributes[:NAMED])}"] if part.attributes else []
    return f"{said}; {'; '.join(words)}"


def _classes(counts: Mapping[str, int], unlabelled: int, most: int) -> str:
    said = f"{len(counts):,} class{'es' * (len(counts) != 1)}: {_counted(counts, most)}"
    return f"{said}; {unlabelled:,} without a class" if unlabelled else said


def _counted(counts: Mapping[str, int], most: int) -> str:
    shown = ", ".join(f"{name} {n:,}" for name, n in list(counts.items())[:most])
    return f"{shown}, and {len(counts) - most:,} more" if len(counts) > most else shown


def _duplicates(survey: Survey) -> list[str]:
    if survey.duplicates is None:
        return ["duplicates: not looked for, there is too much to read"]
    if not survey.duplicates:
        return []
    across = f", {survey.across:,} of them of an image in another split" if survey.across else ""
    return [f"{counted(survey.duplicates, 'duplicate')} of other images, byte for byte{across}: used all the same"]
