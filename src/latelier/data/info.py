"""info.json: what a pack is, its sums, and the sum of itself. Whatever is read from it has the form that it was written
in, or DamagedError says what has not."""

import json
import re
from hashlib import sha256
from math import prod
from pathlib import Path
from types import EllipsisType
from typing import Any, TypedDict, cast

from latelier.data.known import HEADER, ORIGIN, SUMS
from latelier.data.sums import DamagedError, read

FORMAT = 5  # of the folder; also of what decides about its pictures
MOST = 1 << 28  # bytes of info.json; more is not read
INFO = "info.json"


class Info(TypedDict):
    """What stands in it beside its own sum."""

    format: int
    key: str  # the folder's name, by which a pack is found: one under another's name is foreign
    source: str  # what the user gave, with its split
    made: Any  # what decided about the pixels (target, decoders); None where they were not decoded
    rows: int
    shape: list[int]  # h, w, c
    classes: list[str]
    attributes: list[str]
    factors: list[str]
    truth: dict[str, list[Any]]  # name -> type and shape
    remarks: list[str]
    skipped: list[str]
    digest: str
    range: list[float] | None  # black and white of values of more than 8 bits
    files: dict[str, list[int]]  # all but this one and pixels.npy -> bytes and sum


FORMS: dict[str, Any] = {
    **{"format": int, "key": str, "source": str, "made": ..., "rows": int, "shape": [int], "digest": str},
    "range": ...,
    **{name: [str] for name in ("classes", "attributes", "factors", "remarks", "skipped")},
    "truth": {str: [...]},
    "files": {str: [int]},
}
KINDS = re.compile(r"\|[iu]1|<[iuf][248]")  # of numbers in truth-NAME.npy


def fits(value: Any, form: Any) -> bool:
    """Whether a value out of JSON has a form: a type, ``[form]`` of every item, ``{str: form}`` of every value, or ...
    for anything. A whole number is at least 0."""
    if isinstance(form, EllipsisType):
        return True
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(each, form[0]) for each in value)
    if isinstance(form, dict):
        return isinstance(value, dict) and all(fits(each, form[str]) for each in value.values())
    return isinstance(value, form) and (form is not int or (value is not True and value is not False and value >= 0))


def sealed_text(info: Info) -> str:
    """The text of the file."""
    return json.dumps({**info, "sum": _sum(dict(info))}, indent=1)


def read_info(folder: Path) -> Info:
    """What the pack in ``folder`` is. Raises DamagedError; whether the other files are there is not looked at."""
    told = parsed(INFO, read(folder / INFO, MOST))
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise DamagedError(f"{INFO}: of another version of latelier")
    if told.pop("sum", None) != _sum(told):
        raise DamagedError(f"{INFO}: not what was written")
    if wrong := FORMS.keys() ^ told.keys():
        raise DamagedError(f"{INFO}: {min(wrong)} is missing, or unknown")
    if others := [name for name, form in FORMS.items() if not fits(told[name], form)]:
        raise DamagedError(f"{INFO}: {others[0]} has another form")
    info = cast(Info, told)  # as has just been seen
    if len(info["shape"]) != 3 or info["shape"][2] not in (1, 3) or not info["rows"] * prod(info["shape"]):
        raise DamagedError(f"{INFO}: rows of another shape")
    for name, kind in info["truth"].items():
        if not (name.isidentifier() and len(kind) == 2 and KINDS.fullmatch(str(kind[0])) and fits(kind[1], [int])):
            raise DamagedError(f"{INFO}: truth has another form")
    if info["range"] is not None and not (fits(info["range"], [float]) and len(info["range"]) == 2):
        raise DamagedError(f"{INFO}: range has another form")
    if info["files"].keys() != file_names(info) or any(len(pair) != 2 for pair in info["files"].values()):
        raise DamagedError(f"{INFO}: files has another form")
    if info["key"] != folder.name:
        raise DamagedError(f"{INFO}: of another pack")
    return info


def pixel_bytes(info: Info) -> int:
    """The length of pixels.npy."""
    return HEADER + info["rows"] * prod(info["shape"])


def parsed(name: str, content: bytes) -> Any:
    """JSON, however it is nested. Raises DamagedError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{name}: not JSON") from error


def file_names(info: Info) -> set[str]:
    """Of all files of a pack that info.json has sums of."""
    truth = {f"truth-{name}.npy" for name in info["truth"]}
    return {SUMS, "label.npy", "attribute.npy", "rows.json", "skipped.txt", *truth, *([ORIGIN] if info["made"] else [])}


def _sum(told: dict[str, Any]) -> str:
    """Raises DamagedError for what is nested too deeply to be written."""
    try:
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    except RecursionError as error:
        raise DamagedError(f"{INFO}: not JSON") from error
