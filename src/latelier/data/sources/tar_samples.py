"""The samples of a tar shard: members that share a name up to its first dot, as webdataset has it.

Where a shard has files that tell of images, a name with more dots (``0.mask.png``) is a part of the sample, and its
image only where no key of the shard has a plainer one. In a shard without them names go up to their last dot, as
people call files (``Shot 10.30.png``), but for ``0.mask.png`` beside ``0.png``."""

import json
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latelier.data import foreign
from latelier.data.foreign import Label
from latelier.data.packing.formats import is_image_file
from latelier.data.sources.endings import helps
from latelier.data.sources.tar_attributes import Attributes
from latelier.errors import Refusal

SIDECARS = ("cls", "txt", "json")
CAPTION_KEYS = ("caption", "captions")
IMAGE_BYTES, SIDECAR_BYTES = 1 << 30, 1 << 24  # of one file at most: it is read into memory


@dataclass
class Sample:
    """What shares a key."""

    key: str
    place: tuple[int, int, int] | None = None  # number of the shard, offset and size of the image
    label: Label = None
    captions: tuple[str, ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)  # all that can be one
    in_words: bool = False  # the label was text where it could have been a number
    odd: list[object] = field(default_factory=list)  # values that say nothing
    sidecars: tuple[str, ...] = ()  # endings of the files that were read beside the image


def samples_of(
    shard: int, file: Path, attributes: Attributes, passed: Counter[tuple[str, str]] | None = None
) -> list[Sample]:
    """The samples of one shard in the order of their first files; ``passed`` takes what is not read: ending and why.
    Raises Refusal for what is not a whole tar file."""
    samples: dict[str, Sample] = {}
    passed = Counter() if passed is None else passed
    try:
        with tarfile.open(file, "r:") as tar:
            beside, plain = _plain(tar, file)
            for member in tar:
                key, name, ending = _at_first(member.name)
                last = name.rpartition(".")[2].lower() if "." in name else ""
                if not member.isfile() or name.startswith("."):
                    if not member.isdir():
                        passed[f".{last}", "hidden" if member.isfile() else "no regular file"] += 1
                    continue
                part = "." in ending and is_image_file(name) and (bool(plain) if beside else key in plain)
                if last and not beside:
                    key, ending = member.name[: -len(last) - 1], last
                sample, sidecar = samples.setdefault(key, Sample(member.name)), ending.lower() in SIDECARS
                if part:
                    passed[f".{last}", "part of a sample, and not its image"] += 1
                elif is_image_file(name):
                    if sample.place:
                        raise Refusal(
                            f"{file}: two images share a key, {sample.key} and {member.name}; expected one, as files "
                            "that tell of keys are there, by names up to the first dot: rename the images"
                        )
                    sample.key, sample.place = member.name, (shard, member.offset_data, member.size)
                elif sidecar and (file_in := tar.extractfile(member)):
                    _note_sidecar(sample, last, file_in.read(), f"{file}: {member.name} is not understood", attributes)
                    sample.sidecars += (last,)
                else:
                    passed[f".{last}", helps(f".{last}") or "not read"] += 1
            check_end(tar)
    except (tarfile.TarError, EOFError) as error:
        raise Refusal(f"{file}: not a whole, uncompressed tar file ({error})") from error
    except Refusal:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # JSON of another form, or in depth
        raise Refusal(f"{file}: {member.name} is not understood ({error})") from error
    return list(samples.values())


def _plain(tar: tarfile.TarFile, file: Path) -> tuple[bool, set[str]]:
    """Whether files tell of images, by their names up to the first dot; and these names of images with one dot.
    Raises Refusal for a member that is more than is read into memory."""
    keys, shown, plain = set[str](), set[str](), set[str]()
    for member in tar:
        key, name, ending = _at_first(member.name)
        if not member.isfile() or name.startswith("."):
            continue
        sidecar = ending.lower() in SIDECARS
        if member.issparse() or member.size > (SIDECAR_BYTES if sidecar else IMAGE_BYTES):
            raise Refusal(f"{file}: {member.name} is {_too_much(member)}; leave it out of the shard")
        if sidecar:
            keys.add(key)
        elif is_image_file(name):
            shown.add(key)
            plain |= {key} if "." not in ending else set()
    return not keys.isdisjoint(shown), plain


def _at_first(name: str) -> tuple[str, str, str]:
    """A member's name up to the first dot of its last part, with the folders; that part; and what follows the dot."""
    folder, _, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return f"{folder}/{stem}", last, ending


def check_end(tar: tarfile.TarFile) -> None:
    """Raises tarfile.ReadError where something follows the last member, which tarfile takes for the end."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    while block := tar.fileobj.read(1 << 20):
        if block.strip(b"\0"):
            raise tarfile.ReadError(
                f"no member begins at byte {tar.offset:,}: its header is damaged, or two were joined"
            )


def _too_much(member: tarfile.TarInfo) -> str:
    return "stored with gaps" if member.issparse() else f"{member.size:,} bytes long"


def _note_sidecar(sample: Sample, ending: str, content: bytes, where: str, attributes: Attributes) -> None:
    """Notes what a file beside the image tells. Raises Refusal where two tell of different classes."""
    text = content.decode("utf-8-sig")
    if ending == "cls":
        _note_label(sample, text, where)
    elif ending == "txt":
        for line in text.splitlines():
            _note_captions(sample, line, where, "a line")
    else:
        fields: dict[str, Any] = json.loads(text)
        if not isinstance(fields, dict):
            raise Refusal(f'{where}: expected an object, such as {{"label": 1}}')
        if "label" in fields:
            value = fields.pop("label")
            _note_label(sample, value, where)
            sample.in_words |= isinstance(value, str)
        for key in CAPTION_KEYS:
            if key in fields:
                _note_captions(sample, fields.pop(key), where, key)
        sample.attributes |= attributes.read(fields, where)


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
