"""What latelier has written itself: known by marks, and never taken for somebody's images, tables or shards.

| written | known by |
|---|---|
| folders of images (reconstruct, inpaint, edit), exports, recipes | an empty file ``.latelier`` in them |
| runs | config.json beside log.jsonl, a manifest or .lock |
| packs | pixels.npy, label.npy and info.json |
| sheets (draw, compare, decode) | "Software" in the text of the PNG file |
| codes and parts | the key ``latelier`` in the Parquet schema's metadata |
| tables (classify, suggest, neighbours, edit, ...) | their header |
| reports | "generator" in the head of the page |
"""

import os
from collections.abc import Collection
from pathlib import Path

from latelier.storage import files
from latelier.storage.folders import MARK

SOFTWARE = {"Software": "latelier"}  # in a PNG file, before its pixels
METADATA = {b"latelier": b"1"}  # of a Parquet schema
GENERATOR = '<meta name="generator" content="latelier">'
HEADERS = (
    b"file,class,probability",
    b"file,why,class,probability",
    b"file,caption,log probability",
    b"file,image,",
    b"query,rank,file,distance",
    b"group,file,nearest,distance",
    b"file,distance in codes,reconstruction error",
    b"true class,",
    b"file,picture,",  # of earlier versions
)
PACK = ("pixels.npy", "label.npy", "info.json")
HEAD = 2_048  # bytes of a file that hold its mark


def mark(folder: Path) -> None:
    """Marks a folder that is about to be filled."""
    files.write(folder / MARK, "")


def is_run(names: Collection[str]) -> bool:
    """Whether a folder of these files is a run."""
    beside = (name in ("log.jsonl", ".lock") or name.startswith("manifest-") for name in names)
    return "config.json" in names and any(beside)


def is_own(folder: str) -> bool:
    """Whether a folder was written by latelier. Its files are not listed, unless there is a config.json."""

    def there(name: str) -> bool:
        return os.path.lexists(os.path.join(folder, name))

    if there(MARK) or all(map(there, PACK)):
        return True
    return there("config.json") and is_run(set(os.listdir(folder)))


def is_sheet(path: str | Path) -> bool:
    """Whether a PNG file is a sheet. Of what cannot be read, no."""
    return b"Software\0latelier" in _head(path, 128)


def is_own_table(path: str | Path) -> bool:
    """Whether a CSV file is one that a verb has written."""
    return bool(_header(path))


def is_own_file(path: Path) -> bool:
    """Whether any file is latelier's."""
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _is_own_parquet(path)
    if ending in (".html", ".htm"):
        return GENERATOR.encode() in _head(path, HEAD)
    return is_sheet(path) if ending == ".png" else ending == ".csv" and is_own_table(path)


def written_as(path: Path) -> str:
    """What latelier wrote a file as, whatever it is called: "sheet", "page", "codes", or how the table's header begins;
    "" of what it did not write."""
    head = _head(path, HEAD)
    if is_sheet(path) or GENERATOR.encode() in head:
        return "sheet" if is_sheet(path) else "page"
    return _header(path) or ("codes" if head.startswith(b"PAR1") and _is_own_parquet(path) else "")


def _header(path: str | Path) -> str:
    """Which of ``HEADERS`` a file begins with; "" of any other."""
    plain = _head(path, 64).removeprefix(b"\xef\xbb\xbf").replace(b'"', b"")
    return next((header.decode() for header in HEADERS if plain.startswith(header)), "")


def _is_own_parquet(path: Path) -> bool:
    import pyarrow

    from latelier.data.packing.worker import parquet_file

    try:
        metadata = parquet_file(str(path)).schema_arrow.metadata or {}
    except (pyarrow.ArrowException, OSError):
        return False
    return not METADATA.keys().isdisjoint(metadata)


def _head(path: str | Path, size: int) -> bytes:
    """The first bytes of a file; nothing of a pipe, which is not waited for."""
    try:
        with open(path, "rb", buffering=0, opener=_at_once) as file:
            return file.read(size) or b""
    except OSError:
        return b""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
