"""The one door for what a run's files say: JSON of a known form, up to a limit of size and depth.

What is written here carries a checksum of its own; what is read is held to it. Files of earlier versions have none.
Whatever is not as it was written, or of another form, is refused with file and field; of a file of records, line by
line, the others still count. No name that comes in here is run (own_code)."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, get_type_hints, is_typeddict

from latelier.errors import Refusal
from latelier.storage import files
from latelier.terminal.say import say

T = TypeVar("T")
MOST, DEEP = 64 << 20, 32  # bytes of a file, and brackets within brackets
LOG = 512 << 20  # bytes of a file of lines
SUM = "checksum"


def write(path: Path, record: Mapping[str, Any]) -> None:
    """One JSON object with its checksum, in place of the file. Raises Refusal where it cannot be written."""
    files.write_json(path, _summed(record))


def write_list(path: Path, records: list[dict[str, Any]]) -> None:
    """A list of JSON objects, each with its checksum."""
    files.write_json(path, [_summed(record) for record in records])


def append(path: Path, record: Mapping[str, Any]) -> None:
    """One JSON object with its checksum as one more line of the file."""
    files.append(path, line(record))


def line(record: Mapping[str, Any]) -> str:
    """One JSON object with its checksum, as ``note`` reads it."""
    return json.dumps(_summed(record))


def read(path: Path, form: type[T], way_out: str, newest: int | None = None) -> T:
    """The JSON object of a file. ``form`` is a TypedDict, ``way_out`` what to do where it is damaged. Raises Refusal,
    for a format beyond the ``newest`` that is known too."""
    return note(text(path), form, f"{path}", way_out, newest)


def kept(path: Path, form: type[T], way_out: str) -> T | None:
    """As ``read``, of what only saves work: nothing where it is not there, or is damaged, which a line says."""
    try:
        return read(path, form, way_out) if path.exists() else None
    except Refusal as fault:
        say(f"{fault}", error=True)
        return None


def read_list(path: Path, form: Callable[[Any], type[T]], way_out: str) -> list[T]:
    """The JSON objects of a file that is a list of them, each of its ``form``. Raises Refusal."""
    found = held(_parsed(text(path), f"{path}", way_out), list, f"{path}", way_out)
    return [held(record, form(record), f"{path}, record {i}", way_out) for i, record in enumerate(found, 1)]


def read_lines(path: Path, form: type[T]) -> tuple[list[T], list[str]]:
    """The JSON objects of a file of lines, and a sentence on each line that is damaged and left out: a crash may have
    cut one off. Nothing of a file that is not there. Raises Refusal for one that cannot be read."""
    records, faults = list[T](), list[str]()
    lines = text(path, LOG, "surrogateescape").split("\n") if path.exists() else []  # a bad byte costs its line alone
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            if line:
                records.append(held(_parsed(line, where, "it is left out"), form, where, "it is left out"))
        except Refusal as fault:
            faults.append(str(fault))
    return records, faults


def text(path: Path, most: int = MOST, errors: str = "strict") -> str:
    """Raises Refusal for a pipe, which would be waited for, and for what is too long, no UTF-8 (unless ``errors`` says
    what to make of that) or cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Refusal(f"{path} is not a regular file; remove it, or name another place")
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > most:
        raise Refusal(f"{path} has more than the {most:,} bytes that latelier would write there; name another run")
    try:
        return content.decode(errors=errors)
    except UnicodeDecodeError as error:
        raise Refusal(f"{path} is damaged: its byte {error.start:,} is no text; restore it, or remove it") from error


def note(words: str, form: type[T], where: str, way_out: str, newest: int | None = None) -> T:
    """The JSON object that the words are. Raises Refusal as ``read`` does."""
    value = _parsed(words, where, way_out)
    written = value.get("format") if isinstance(value, dict) else None
    if newest is not None and isinstance(written, int) and written > newest:
        raise Refusal(
            f"{where} was written by a newer latelier (format {written}; this one reads {newest}): upgrade latelier"
        )
    return held(value, form, where, way_out)


def held(value: Any, form: type[T], where: str, way_out: str) -> T:
    """The value, if it is of that form and what its checksum says, without this. Raises Refusal naming the field."""
    import msgspec

    found, names = value, _names(form)  # type: ignore[arg-type]  # a type is hashable
    if isinstance(value, dict) and SUM in value:
        found = {name: inner for name, inner in value.items() if name != SUM}
        if value[SUM] != _checksum(found):
            raise Refusal(f"{where} is damaged, or was changed: its checksum is that of other content; {way_out}")
    elif isinstance(value, dict) and names and (unknown := sorted(set(value) - names)):
        raise Refusal(f"{where} is damaged or not latelier's: there is no field {unknown[0]!r}; {way_out}")
    try:
        msgspec.convert(found, form)
    except msgspec.ValidationError as error:
        fault, _, field = str(error).partition(" - at `$")
        at = f", field {field.strip('`.')}" if field else ""
        raise Refusal(f"{where}{at} is damaged or not latelier's: {fault[:1].lower()}{fault[1:]}; {way_out}") from error
    return found  # type: ignore[no-any-return]  # as it was, with what the form does not name


def _parsed(words: str, where: str, way_out: str) -> Any:
    try:
        value = json.loads(words)
    except RecursionError:
        raise Refusal(f"{where} is damaged: brackets are more than {DEEP} deep; {way_out}") from None
    except ValueError as error:
        raise Refusal(f"{where} is damaged: it is not JSON ({error}); {way_out}") from error
    level = [value]
    for _ in range(DEEP):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise Refusal(f"{where} is damaged: brackets are more than {DEEP} deep; {way_out}")
    return value


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _summed(record: Mapping[str, Any]) -> dict[str, Any]:
    plain = json.loads(json.dumps(record))  # as it will be read
    return {**plain, SUM: _checksum(plain)}


def _checksum(plain: dict[str, Any]) -> str:
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _names(form: Any) -> frozenset[str]:
    """The fields of a TypedDict; none of another type."""
    return frozenset(get_type_hints(form)) if is_typeddict(form) else frozenset()
