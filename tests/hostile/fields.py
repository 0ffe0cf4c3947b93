"""Values of other types than a field is of, and how to put them there as a stranger would: with new checksums."""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from latelier.storage import json_records

NAN = float("nan")


class Measured(float):
    """A figure that may be NaN."""


FOREIGN: dict[type, tuple[Any, ...]] = {
    bool: ("x\x1b[2J", 1.5, [], {}, [[1]]),
    int: (True, 1.5, -1, 10**30, 1e300, NAN, "x\x1b[2J", "", [], {}, [[1]], {"x": {"y": None}}),
    float: (True, NAN, "x\x1b[2J", [], {}, [[1]], {"x": {"y": None}}),
    Measured: (True, "x\x1b[2J", [], {}, [[1]], {"x": {"y": None}}),
    str: (True, 1, 1.5, NAN, [], {}, ["x"], {"x": {"y": None}}),
    list: (True, 1, 1e300, NAN, "x\x1b[2J", {"x": {"y": None}}, [[[]]], [None]),
    dict: (True, 1, 1e300, NAN, "x\x1b[2J", [], [[1]], {"x\x1b[2J": {"y": None}}),
}


def placed(note: Any, field: str, value: Any) -> Any:
    """The note with the value at the field, keys parted by slashes; * is the first key. "" is the note itself."""
    if not field:
        return value
    key, _, rest = field.partition("/")
    if isinstance(note, list):
        return [placed(inner, rest, value) if str(at) == key else inner for at, inner in enumerate(note)]
    key = next(iter(note)) if key == "*" else key
    return {**note, key: placed(note.get(key), rest, value)}


def note_of(file: Path) -> Any:
    """The JSON in ``file``, or in the metadata of a weights or state file, without checksums."""
    if file.suffix == ".safetensors":
        with safetensors.safe_open(file, "pt") as opened:
            return json.loads(opened.metadata()["latelier"])
    note = json.loads(file.read_text())
    return [_plain(record) for record in note] if isinstance(note, list) else _plain(note)


def stamp(file: Path, note: Any) -> None:
    """Writes what ``note_of`` reads; checksums and the manifest's sums follow."""
    if file.suffix == ".safetensors":
        content = safetensors.torch.save(safetensors.torch.load_file(file), {"latelier": json.dumps(note)})
        file.write_bytes(content)
        for manifest in file.parent.glob("manifest-*.json"):
            known = note_of(manifest)
            if file.name in known["files"]:
                known["files"][file.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                json_records.write(manifest, known)
    elif isinstance(note, dict):
        json_records.write(file, note)
    elif isinstance(note, list) and all(isinstance(record, dict) for record in note):
        json_records.write_list(file, note)
    else:
        file.write_text(json.dumps(note))


def _plain(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {key: value for key, value in record.items() if key != json_records.SUM}
