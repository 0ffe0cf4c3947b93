"""Tar shards in the layout of webdataset: files that share a name up to its first dot belong together.

| file | holds |
|---|---|
| KEY.jpg, KEY.png, ... | the picture |
| KEY.cls | its class number, or a word |
| KEY.txt | captions, one a line |
| KEY.json | "label", "caption", "captions"; a key that is true or false in one of them is an attribute |

Class names may stand in names.json beside the shards ({"label": [...]}), and attributes ({"attributes": [...]}).
What a value means that is none of these: foreign.py.
"""

import json
import os
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from latelier.core import Refusal
from latelier.data import foreign
from latelier.data.classes import number
from latelier.data.foreign import Label
from latelier.data.formats import is_picture
from latelier.data.plan import Plan, unknown
from latelier.data.shards import Shards, known_names
from latelier.data.tar_attributes import Attributes

TOLD = ("cls", "txt", "json")
CAPTION_KEYS = ("caption", "captions")
PICTURE_BYTES, TOLD_BYTES = 1 << 30, 1 << 24  # of one file at most: it is read into memory


@dataclass
class Sample:
    """What shares a key."""

    key: str
    place: tuple[int, int, int] | None = None  # number of the shard, offset and size of the picture
    label: Label = None
    captions: tuple[str, ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)  # all that can be one
    in_words: bool = False  # the label was text where it could have been a number
    odd: list[object] = field(default_factory=list)  # values that say nothing
    told: tuple[str, ...] = ()  # endings of the files that were read beside the picture


@dataclass(frozen=True)
class Tar(Shards):
    """One split's files."""

    kind = "tar"

    def contents(self) -> Plan:
        """Reads the headers of all shards and what they tell, but no picture."""
        attributes = Attributes(known_names(self.folder, "attributes") or ())
        everything = {file: _samples(i, file, attributes) for i, file in enumerate(self.beside)}
        samples = {file: [s for s in every if s.place] for file, every in everything.items()}
        mine = [sample for file in self.files for sample in samples[file]]
        if not mine:
            raise Refusal(f"{self.files[0]}: no pictures in it; expected files such as 000001.jpg and 000001.cls")
        everywhere = [sample.label for file in self.beside for sample in samples[file]]
        names, where = known_names(self.folder, "label"), str(self.files[0].parent)
        words = any(sample.in_words for of_one in samples.values() for sample in of_one)
        label, classes = number([sample.label for sample in mine], everywhere, names, where, between=not words)
        columns = attributes.columns(self.folder)
        signs = foreign.signs(s.attributes.get(name) for name in columns for of_one in samples.values() for s in of_one)
        without = sum(not s.place and bool(s.told) for file in self.files for s in everything[file])
        table = [[foreign.known(s.attributes.get(name), signs) for name in columns] for s in mine]
        facts = replace(
            unknown([sample.key for sample in mine]),
            label=label,
            classes=classes,
            captions=[sample.captions for sample in mine],
            attribute=np.array(table, np.int8).reshape(len(mine), len(columns)),
            attributes=tuple(columns),
            remarks=(*_remarks(mine, without, signs), *_suspected(self.files, mine)),
        )
        items = np.array([sample.place for sample in mine], np.int64)
        return Plan("tar", [str(file.absolute()) for file in self.beside], items, facts)


def lacks_pictures(file: Path) -> str:
    """Why a file holds no pictures, in words; "" where it does: one is enough. Raises Refusal for no whole tar file."""
    try:
        with tarfile.open(file, "r:") as tar:
            names = (member.name.rpartition("/")[2] for member in tar if member.isfile())
            if any(is_picture(name) and not name.startswith(".") for name in names):
                return ""
            _check_end(tar)
            return "no pictures in it"
    except (tarfile.TarError, EOFError) as error:
        raise Refusal(f"{file}: not a whole, uncompressed tar file ({error})") from error


def passed_over(file: Path) -> Counter[tuple[str, str]]:
    """(ending, why) -> how many members are not used; folders are none. Raises Refusal as ``contents`` does."""
    found = Counter[tuple[str, str]]()
    for sample in _samples(0, file, Attributes(()), found):
        if not sample.place:
            found.update((f".{ending}", "of a sample without a picture") for ending in sample.told)
    return found


def members(file: Path) -> int:
    """How many files a tar file holds, whatever they are."""
    with tarfile.open(file, "r:") as tar:
        return sum(not member.isdir() for member in tar)


def _remarks(samples: Sequence[Sample], without: int, signs: bool) -> tuple[str, ...]:
    """What pictures lack, how many samples lack a picture, and which values say nothing."""
    said = [f"{without} of {len(samples) + without} samples have no picture: left out"] if without else []
    silent = sum(not sample.captions for sample in samples)
    if 0 < silent < len(samples):
        said.append(f"{silent} of {len(samples)} pictures have no text beside them")
    odd = [value for sample in samples for value in sample.odd]
    said += foreign.unsaid(odd, [None] * len(odd), "labels and captions")
    return (*said, f"of the attributes the file {foreign.SIGNS}") if signs else tuple(said)


def _suspected(files: Sequence[Path], samples: Sequence[Sample]) -> list[str]:
    """What the files may lack, and where classes may be that they do not tell."""
    said = [f"{file} does not end as a tar file does: was it cut?" for file in files if not _is_closed(file)]
    folders = {sample.key.rpartition("/")[0] for sample in samples}
    if len(folders) > 1 and all(sample.label is None for sample in samples):
        some = ", ".join(sorted(folders)[:3])
        said.append(f"folders in tar files ({some}) are no classes: unpack them, or give each picture a .cls file")
    return said


def _samples(
    shard: int, file: Path, attributes: Attributes, passed: Counter[tuple[str, str]] | None = None
) -> list[Sample]:
    """The samples of one shard in the order of their first files; ``passed`` takes what is not read: ending and why.
    Raises Refusal for what is not a whole tar file."""
    samples: dict[str, Sample] = {}
    passed = Counter() if passed is None else passed
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                stem, _, ending = name.partition(".")
                if not member.isfile() or not stem:
                    if not member.isdir():
                        passed[f".{ending}", "no regular file" if stem else "hidden"] += 1
                    continue
                sample = samples.setdefault(f"{folder}/{stem}", Sample(member.name))
                told = ending in TOLD
                if member.issparse() or member.size > (TOLD_BYTES if told else PICTURE_BYTES):
                    raise Refusal(f"{file}: {member.name} is {_too_much(member)}; leave it out of the shard")
                if is_picture(f"{stem}.{ending}") and "." not in ending:
                    if sample.place:
                        raise Refusal(f"{file}: two pictures share a key, {sample.key} and {member.name}; expected one")
                    sample.key, sample.place = member.name, (shard, member.offset_data, member.size)
                elif told and (file_in := tar.extractfile(member)):
                    _tell(sample, ending, file_in.read(), f"{file}: {member.name} is not understood", attributes)
                    sample.told += (ending,)
                else:
                    passed[f".{ending}", "not read"] += 1
            _check_end(tar)
    except (tarfile.TarError, EOFError) as error:
        raise Refusal(f"{file}: not a whole, uncompressed tar file ({error})") from error
    except Refusal:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # JSON of another form, or in depth
        raise Refusal(f"{file}: {member.name} is not understood ({error})") from error
    return list(samples.values())


def _check_end(tar: tarfile.TarFile) -> None:
    """Raises tarfile.ReadError where something follows the last member, which tarfile takes for the end."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    while block := tar.fileobj.read(1 << 20):
        if block.strip(b"\0"):
            raise tarfile.ReadError(
                f"no member begins at byte {tar.offset:,}: its header is damaged, or two were joined"
            )


def _is_closed(file: Path) -> bool:
    """Whether zeros end it, as they end a tar file that was written to its end."""
    with file.open("rb") as opened:
        opened.seek(-tarfile.BLOCKSIZE, os.SEEK_END)
        return not opened.read().strip(b"\0")


def _too_much(member: tarfile.TarInfo) -> str:
    return "stored with gaps" if member.issparse() else f"{member.size:,} bytes long"


def _tell(sample: Sample, ending: str, content: bytes, where: str, attributes: Attributes) -> None:
    """Notes what a file beside the picture tells. Raises Refusal where two tell of different classes."""
    text = content.decode("utf-8-sig")
    if ending == "cls":
        _note_label(sample, text, where)
    elif ending == "txt":
        for line in text.splitlines():
            _note_captions(sample, line, where, "a line")
    else:
        told: dict[str, Any] = json.loads(text)
        if not isinstance(told, dict):
            raise Refusal(f'{where}: expected an object, such as {{"label": 1}}')
        if "label" in told:
            value = told.pop("label")
            _note_label(sample, value, where)
            sample.in_words |= isinstance(value, str)
        for key in CAPTION_KEYS:
            if key in told:
                _note_captions(sample, told.pop(key), where, key)
        sample.attributes |= attributes.read(told, where)


def _note_label(sample: Sample, value: object, where: str) -> None:
    found = foreign.label(value, where)
    if found is None:
        sample.odd.append(value)
    elif sample.label not in (None, found):
        raise Refusal(f"{where}: label {found}, but {sample.label} in a file of the same key; expected one")
    else:
        sample.label = found


def _note_captions(sample: Sample, value: object, where: str, column: str) -> None:
    found = foreign.captions(value, where, column)
    if not found:
        sample.odd.append(value)
    sample.captions = tuple(dict.fromkeys((*sample.captions, *found)))
