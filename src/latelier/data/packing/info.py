"""info.json: what a pack is, its sums, and the sum of itself. Whatever is read from it has the form that it was written
in, or DamagedError says what has not."""

import json
from math import prod
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar

from msgspec import Meta

from latelier.data.packing.known import HEADER, ORIGIN, PIXELS, SUMS
from latelier.data.packing.sums import BLOCK, DamagedError, read, verified
from latelier.errors import Refusal
from latelier.storage import json_records
from latelier.storage.schemas import Count, Side, Some

T = TypeVar("T")
FORMAT = 6  # of the folder; also of what decides about its images
MOST = 1 << 28  # bytes of info.json; more is not read
INFO, NAMES, CAPTIONS = "info.json", "names.arrow", "captions.arrow"


class Array(TypedDict):
    """Of numbers in truth-NAME.npy."""

    kind: Annotated[str, Meta(pattern=r"^(\|[iu]1|<[iu][248]|<f[248])$")]
    shape: list[Some]


class FileSum(TypedDict):
    """Of a file."""

    bytes: Count
    sum: Count


class Info(TypedDict):
    """What stands in it beside its own sum."""

    format: int
    key: str  # the folder's name, by which a pack is found: one under another's name is foreign
    source: str  # what the user gave, with its split
    made: list[Any] | None  # what decided about the pixels: target, decoders; None where they were not decoded
    rows: Some
    shape: tuple[Side, Side, Side]  # h, w, c
    range: tuple[float, float] | None
    classes: list[str]
    attributes: list[str]
    factors: list[str]
    truth: dict[Annotated[str, Meta(pattern=r"^\w+$")], Array]
    captioned: bool  # whether there is captions.arrow
    remarks: list[str]
    skipped: list[str]
    digest: Annotated[str, Meta(min_length=64, max_length=64)]  # of pixels
    known: Annotated[str, Meta(min_length=32, max_length=32)]  # ``fingerprint`` of all that stands here
    files: dict[str, FileSum]  # all but this one and pixels.npy


def read_info(folder: Path) -> Info:
    """What the pack in ``folder`` is. Raises DamagedError; whether the other files are there is not looked at."""
    content = parsed(INFO, read(folder / INFO, MOST))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamagedError(f"{INFO}: of another version of latelier")
    if json_records.SUM not in content:
        raise DamagedError(f"{INFO}: without its checksum")
    info = formed(INFO, content, Info)
    if info["shape"][2] not in (1, 3):
        raise DamagedError(f"{INFO}: {info['shape'][2]} channels")
    if info["files"].keys() != file_names(info):
        raise DamagedError(f"{INFO}: of other files")
    if info["key"] != folder.name:
        raise DamagedError(f"{INFO}: of another pack")
    return info


def formed(name: str, value: Any, form: type[T]) -> T:
    """The value, if it has that form, and its checksum if it says one. Raises DamagedError."""
    try:
        return json_records.held(value, form, "it", "")
    except (Refusal, RecursionError) as error:
        raise DamagedError(f"{name}: {str(error).removeprefix('it ').rstrip('; ')}") from error


def content(folder: Path, info: Info, name: str) -> bytes:
    """A file of the pack whole. Raises DamagedError unless it is what was written."""
    written = info["files"][name]
    return verified(folder / name, written["bytes"], written["sum"])


def check_lengths(folder: Path, info: Info) -> None:
    """What a pack's files show without being read. Raises DamagedError for one that is missing or of
    another length."""
    lengths = {name: file["bytes"] for name, file in info["files"].items()} | {PIXELS: pixel_bytes(info)}
    for name, written in lengths.items():
        try:
            length = (folder / name).stat().st_size
        except OSError as error:
            raise DamagedError(f"{name}: {error.strerror or error}") from error
        if length != written:
            raise DamagedError(f"{name}: {length:,} bytes long, and was {written:,}")


def pixel_bytes(info: Info) -> int:
    """The length of pixels.npy."""
    return HEADER + info["rows"] * prod(info["shape"])


def parsed(name: str, content: bytes) -> Any:
    """JSON, however it is nested. Raises DamagedError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{name}: not JSON") from error


def summed_blocks(info: Info) -> dict[str, int]:
    """The files whose blocks have sums in sums.npy, in their order there, and how many blocks each has."""
    lengths = {PIXELS: pixel_bytes(info)}
    lengths |= {name: info["files"][name]["bytes"] for name in (NAMES, CAPTIONS) if name in info["files"]}
    return {name: -(-length // BLOCK) for name, length in lengths.items()}


def file_names(info: Info) -> set[str]:
    """Of all files of a pack that info.json has sums of."""
    more = {f"truth-{name}.npy" for name in info["truth"]}
    more |= {name for name, there in ((ORIGIN, info["made"]), (CAPTIONS, info["captioned"])) if there}
    return {SUMS, NAMES, "label.npy", "attribute.npy", "skipped.txt", *more}
