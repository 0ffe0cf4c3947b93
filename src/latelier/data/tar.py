"""Tar shards in the layout of webdataset: files that share a name up to its first dot belong together.

| file | holds |
|---|---|
| KEY.jpg, KEY.png, ... | the picture |
| KEY.cls | its class number, or a word |
| KEY.txt | captions, one a line |
| KEY.json | "label", "caption" or "captions"; every true or false is an attribute |

Class names may stand in names.json beside the shards ({"label": [...]}).
"""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latelier.core import Refusal
from latelier.data.classes import number
from latelier.data.formats import is_picture
from latelier.data.images import Images
from latelier.data.plan import Plan, unknown
from latelier.data.shards import known_names, stamps

TOLD = ("cls", "txt", "json")
PICTURE_BYTES, TOLD_BYTES = 1 << 30, 1 << 24  # of one file at most: it is read into memory


@dataclass
class Sample:
    """What shares a key."""

    key: str
    place: tuple[int, int, int] | None = None  # number of the shard, offset and size of the picture
    label: str | int | None = None
    captions: tuple[str, ...] = ()
    attributes: dict[str, bool] | None = None


@dataclass(frozen=True)
class Tar:
    """One split's shards."""

    files: Sequence[Path]
    beside: Sequence[Path]  # the shards of all splits: class numbers agree over them
    folder: Path  # where names.json is looked for

    @property
    def stamp(self) -> object:
        names = self.folder / "names.json"
        return ["tar", stamps(self.files), stamps(self.beside), stamps([names] if names.is_file() else [])]

    def annotate(self, images: Images) -> Images:
        return images

    def contents(self) -> Plan:
        """Reads the headers of all shards and what they tell, but no picture."""
        samples = {file: [s for s in _samples(i, file) if s.place] for i, file in enumerate(self.beside)}
        mine = [sample for file in self.files for sample in samples[file]]
        if not mine:
            raise Refusal(f"{self.files[0]}: no pictures in it; expected files such as 000001.jpg and 000001.cls")
        everywhere = [sample.label for file in self.beside for sample in samples[file]]
        where = str(self.files[0].parent)
        names = known_names(self.folder).get("label")
        label, classes = number([sample.label for sample in mine], everywhere, names, where)
        attributes = sorted({name for of_one in samples.values() for s in of_one for name in s.attributes or {}})
        facts = replace(
            unknown([sample.key for sample in mine]),
            label=label,
            classes=classes,
            captions=[sample.captions for sample in mine],
            attribute=np.array(
                [[int((s.attributes or {}).get(name, -1)) for name in attributes] for s in mine], np.int8
            ),
            attributes=tuple(attributes),
        )
        items = np.array([sample.place for sample in mine], np.int64)
        return Plan("tar", [str(file.absolute()) for file in self.beside], items, facts)


def _samples(shard: int, file: Path) -> list[Sample]:
    """The samples of one shard in the order of their first files. Raises Refusal for what is not a whole tar file."""
    samples: dict[str, Sample] = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                stem, _, ending = name.partition(".")
                if not member.isfile() or not stem:
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
                    _tell(sample, ending, file_in.read().decode())
    except (tarfile.TarError, EOFError) as error:
        raise Refusal(f"{file}: not a whole, uncompressed tar file ({error})") from error
    except Refusal:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # JSON of another form, or in depth
        raise Refusal(f"{file}: {member.name} is not understood ({error})") from error
    return list(samples.values())


def _too_much(member: tarfile.TarInfo) -> str:
    return "stored with gaps" if member.issparse() else f"{member.size:,} bytes long"


def _tell(sample: Sample, ending: str, text: str) -> None:
    """Notes what a file beside the picture tells."""
    if ending == "cls":
        sample.label = int(text) if text.strip().lstrip("-").isdecimal() else text.strip() or None
    elif ending == "txt":
        sample.captions = tuple(line.strip() for line in text.splitlines() if line.strip())
    else:
        told: dict[str, Any] = json.loads(text)
        label = told.pop("label", sample.label)
        sample.label = label if label is None or isinstance(label, int) else str(label)
        captions = told.get("captions", told.get("caption", ()))
        sample.captions += (captions,) if isinstance(captions, str) else tuple(captions)
        sample.attributes = {name: value for name, value in told.items() if isinstance(value, bool)}
