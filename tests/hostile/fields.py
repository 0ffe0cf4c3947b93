"""Every field of every JSON that a run holds, with a value of another type, stamped as a stranger would."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from latelier import stored

Leaf = tuple[str | int, ...]  # keys from the top of a JSON text to a value
ODD: tuple[Any, ...] = (None, True, -1, 1.5, 1e300, 10**30, float("nan"), "", "x\x1b[2J", [], [[]], {}, {"x": {"y": 1}})


def places(value: Any, at: Leaf = ()) -> Iterator[Leaf]:
    """All values, those that hold others too."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from places(below, (*at, key))


def replaced(value: Any, leaf: Leaf, new: Any) -> Any:
    """The value with another at one place."""
    if not leaf:
        return new
    inner = replaced(value[leaf[0]], leaf[1:], new)
    if isinstance(value, list):
        return [inner if key == leaf[0] else old for key, old in enumerate(value)]
    return {**value, leaf[0]: inner}


def note_of(file: Path) -> Any:
    """The JSON in ``file``, or in the metadata of a weights or state file."""
    if file.suffix == ".safetensors":
        with safetensors.safe_open(file, "pt") as opened:
            return json.loads(opened.metadata()["latelier"])
    return plain(json.loads(file.read_text()))


def plain(note: Any) -> Any:
    """Without checksums."""
    if isinstance(note, list):
        return [plain(record) for record in note]
    return {key: value for key, value in note.items() if key != stored.SUM} if isinstance(note, dict) else note


def stamp(file: Path, note: Any) -> None:
    """Writes what ``note_of`` reads; checksums and the manifest's sums follow."""
    if file.suffix == ".safetensors":
        content = safetensors.torch.save(safetensors.torch.load_file(file), {"latelier": json.dumps(note)})
        file.write_bytes(content)
        for manifest in file.parent.glob("manifest-*.json"):
            known = note_of(manifest)
            if file.name in known["files"]:
                known["files"][file.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                stored.write(manifest, known)
    elif isinstance(note, dict):
        stored.write(file, note)
    else:
        records = [stored._summed(record) if isinstance(record, dict) else record for record in note] if isinstance(note, list) else note
        file.write_text(json.dumps(records))
