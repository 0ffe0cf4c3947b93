"""Tar shards in the layout of webdataset: files that share a name up to its first dot belong together.

| file | holds |
|---|---|
| KEY.jpg, KEY.png, ... | the image |
| KEY.cls | its class number, or a word |
| KEY.txt | captions, one a line |
| KEY.json | "label", "caption", "captions"; a key that is true or false in one of them is an attribute |

Class names may stand in names.json beside the shards ({"label": [...]}), and attributes ({"attributes": [...]}).
What a value means that is none of these: foreign.py.
"""

import os
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latelier.data import foreign
from latelier.data.classes import number
from latelier.data.packing.formats import advice, is_image_file, unread
from latelier.data.packing.plan import Plan, unknown
from latelier.data.sources.shards import Shards, known_names
from latelier.data.sources.tar_attributes import Attributes
from latelier.data.sources.tar_samples import Sample, check_end, samples_of
from latelier.errors import Refusal

MORE = "latelier data SRC says which"  # of what the survey itself tells in full


class NoImagesError(Refusal):
    """Of whole tar files, in which there is nothing to train on."""


@dataclass(frozen=True)
class Tar(Shards):
    """One split's files."""

    kind = "tar"

    def contents(self) -> Plan:
        """Reads the headers of all shards and what they tell, but no image."""
        attributes = Attributes(known_names(self.folder, "attributes") or ())
        passed = {file: Counter[tuple[str, str]]() for file in self.beside}
        everything = {file: samples_of(i, file, attributes, passed[file]) for i, file in enumerate(self.beside)}
        samples = {file: [s for s in every if s.place] for file, every in everything.items()}
        mine = [sample for file in self.files for sample in samples[file]]
        if not mine:
            raise NoImagesError(f"{self.files[0]}: no images in it; expected files such as 000001.jpg and 000001.cls")
        everywhere = [sample.label for file in self.beside for sample in samples[file]]
        names, where = known_names(self.folder, "label"), str(self.files[0].parent)
        words = any(sample.in_words for of_one in samples.values() for sample in of_one)
        label, classes = number([sample.label for sample in mine], everywhere, names, where, between=not words)
        columns = attributes.columns(self.folder)
        signs = foreign.signs(s.attributes.get(name) for name in columns for of_one in samples.values() for s in of_one)
        without = sum(not s.place and bool(s.sidecars) for file in self.files for s in everything[file])
        table = [[foreign.known(s.attributes.get(name), signs) for name in columns] for s in mine]
        facts = replace(
            unknown([sample.key for sample in mine]),
            label=label,
            classes=classes,
            captions=[sample.captions for sample in mine],
            attribute=np.array(table, np.int8).reshape(len(mine), len(columns)),
            attributes=tuple(columns),
            remarks=(
                *_remarks(mine, without, signs),
                *_suspected(self.files, mine),
                *_left(sum((passed[file] for file in self.files), Counter())),
            ),
        )
        items = np.array([sample.place for sample in mine], np.int64)
        return Plan("tar", [str(file.absolute()) for file in self.beside], items, facts)


def lacks_image_files(file: Path) -> str:
    """Why a file holds no images, in words; "" where it does: one is enough. Raises Refusal for no whole tar file."""
    try:
        with tarfile.open(file, "r:") as tar:
            names = (member.name.rpartition("/")[2] for member in tar if member.isfile())
            if any(is_image_file(name) and not name.startswith(".") for name in names):
                return ""
            check_end(tar)
            return "no images in it"
    except (tarfile.TarError, EOFError) as error:
        raise Refusal(f"{file}: not a whole, uncompressed tar file ({error})") from error


def passed_over(file: Path) -> Counter[tuple[str, str]]:
    """(ending, why) -> how many members are not used; folders are none. Raises Refusal as ``contents`` does."""
    found = Counter[tuple[str, str]]()
    for sample in samples_of(0, file, Attributes(()), found):
        if not sample.place:
            found.update((f".{ending}", "of a sample without an image") for ending in sample.sidecars)
    return found


def members(file: Path) -> int:
    """How many files a tar file holds, whatever they are."""
    with tarfile.open(file, "r:") as tar:
        return sum(not member.isdir() for member in tar)


def _remarks(samples: Sequence[Sample], without: int, signs: bool) -> tuple[str, ...]:
    """What images lack, how many samples lack an image, and which values say nothing."""
    said = [f"{without} of {len(samples) + without} samples have no image: left out"] if without else []
    silent = sum(not sample.captions for sample in samples)
    if 0 < silent < len(samples):
        said.append(f"{silent} of {len(samples)} images have no text beside them")
    odd = [value for sample in samples for value in sample.odd]
    said += foreign.unsaid(odd, [None] * len(odd), "labels and captions")
    return (*said, f"of the attributes the file {foreign.SIGNS}") if signs else tuple(said)


def _left(passed: Mapping[tuple[str, str], int]) -> list[str]:
    """Of what is not used in tar files: images of formats that are not read, and how many others."""
    images, others = Counter[str](), 0
    for (ending, why), count in passed.items():
        if why == advice(ending):
            images[ending.removeprefix(".")] += count
        else:
            others += count
    said = f"{others:,} file{' is' if others == 1 else 's are'} not used in tar files ({MORE})"
    return [*unread(images), *([said] if others else [])]


def _suspected(files: Sequence[Path], samples: Sequence[Sample]) -> list[str]:
    """What the files may lack, and where classes may be that they do not tell."""
    said = [f"{file} does not end as a tar file does: was it cut?" for file in files if not _is_closed(file)]
    folders = {folder for sample in samples if (folder := sample.key.rpartition("/")[0])}
    if len(folders) > 1 and all(sample.label is None for sample in samples):
        some = ", ".join(sorted(folders)[:3])
        said.append(f"folders in tar files ({some}) are no classes: unpack them, or give each image a .cls file")
    return said


def _is_closed(file: Path) -> bool:
    """Whether zeros end it, as they end a tar file that was written to its end."""
    with file.open("rb") as opened:
        opened.seek(-tarfile.BLOCKSIZE, os.SEEK_END)
        return not opened.read().strip(b"\0")
