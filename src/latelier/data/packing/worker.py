"""A decoding process: jobs come in as JSON lines, rows of uint8 go straight into the pack, reports go out as JSON. An
image that another pack holds is not decoded but copied from there.

Started as ``python -P -m latelier.data.packing.worker`` and not through multiprocessing, which would run the user's
main module again in each process. Imports nothing of torch. When the parent dies, the input ends and so does the
process, in the middle of a job too.
"""

import io
import json
import math
import mmap
import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, Protocol, TypedDict
from zlib import crc32

import numpy as np
from PIL import UnidentifiedImageError

from latelier.data.packing.decode import SurpriseError, Target, decode, no_bombs
from latelier.data.packing.known import HEADER, ORIGIN_BYTES, Known, origin_of, stated_of

HELD = 1 << 28  # bytes of an image's file up to which it is read at once; of a longer one no digest is kept
IMAGE_COLUMNS = ("image", "img")  # of Parquet files
Item = Any  # what a reader needs to find an image: a file's name, or three whole numbers


class Report(TypedDict):
    """What became of a job. Good rows stand together at the beginning of the job's place in the pack."""

    first: int
    good: int
    failed: list[tuple[int, str]]  # row and reason
    found: dict[str, int]  # kind of conversion -> how many images
    surprise: tuple[str, str] | None  # kind, and what the image is: nothing was written
    digest: str  # sha256 of the good rows
    origin: int  # the sum of their rows in origin.npy
    error: tuple[int, str] | None  # the pack could not be written: errno and text


class Reader(Protocol):
    """Finds encoded images."""

    def __call__(self, items: Iterable[Item]) -> Iterator[str | BinaryIO]:
        """A path or an open file for each item. Raises SurpriseError("source", ...) when the shards are bad."""


class Files:
    """Items are file names below one folder."""

    def __init__(self, paths: Sequence[str]):
        self.folder = paths[0]

    def __call__(self, items: Iterable[Item]) -> Iterator[str | BinaryIO]:
        for name in items:
            yield os.path.join(self.folder, name)


class Spans:
    """Items are (number of the file, offset, size): members of tar shards."""

    def __init__(self, paths: Sequence[str]):
        self.paths = paths

    def __call__(self, items: Iterable[Item]) -> Iterator[str | BinaryIO]:
        for number, offset, size in items:
            try:
                with open(self.paths[number], "rb", buffering=0) as file:
                    file.seek(offset)
                    encoded = file.read(size)
            except OSError as error:
                raise SurpriseError("source", f"{self.paths[number]}: {reason(error)}") from error
            yield io.BytesIO(encoded)


class ParquetRows:
    """Items are (number of the file, row group, row in it), ascending within a job. A row group is streamed: one batch
    of rows is in memory at a time, however large the group."""

    def __init__(self, paths: Sequence[str]):
        self.paths = paths
        self._place = (-1, -1)
        self._start = 0
        self._batch: list[bytes | None] = []
        self._batches: Iterator[Any] = iter(())

    def __call__(self, items: Iterable[Item]) -> Iterator[str | BinaryIO]:
        for number, group, row in items:
            try:
                encoded = self._find(number, group, row)
            except Exception as error:  # pyarrow's errors have several bases
                raise SurpriseError("source", f"{self.paths[number]}: {reason(error)}") from error
            yield io.BytesIO(encoded or b"")

    def _find(self, number: int, group: int, row: int) -> bytes | None:
        if self._place != (number, group) or row < self._start:
            self._open(number, group)
        while row >= self._start + len(self._batch):
            self._start += len(self._batch)
            self._batch = image_bytes(next(self._batches).column(0))
        return self._batch[row - self._start]

    def _open(self, number: int, group: int) -> None:
        file = parquet_file(self.paths[number])
        column = next(name for name in IMAGE_COLUMNS if name in file.schema_arrow.names)
        self._place, self._start, self._batch = (number, group), 0, []
        self._batches = file.iter_batches(64, row_groups=[group], columns=[column], use_threads=False)


def parquet_file(path: str) -> Any:
    """An open Parquet file. Raises what pyarrow raises for a file of another kind, and OSError for a pipe."""
    import pyarrow
    import pyarrow.parquet as pq

    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    try:
        path.encode()
    except UnicodeEncodeError:  # a name that is no UTF-8, which pyarrow cannot open
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if status.st_size else b""
        return pq.ParquetFile(pyarrow.BufferReader(pyarrow.py_buffer(mapped)))
    return pq.ParquetFile(path, memory_map=True)


def image_bytes(column: Any) -> list[bytes | None]:
    """The encoded images of an image column: a struct with the field ``bytes``, or bytes themselves."""
    if str(column.type).startswith("struct"):
        column = column.field("bytes")
    values: list[bytes | None] = column.to_pylist()
    return values


READERS: dict[str, Callable[[Sequence[str]], Reader]] = {"files": Files, "tar": Spans, "parquet": ParquetRows}


class Decoder:
    """Decodes jobs into the files ``pixels`` and ``origin``."""

    def __init__(self, reader: Reader, pixels: str, origin: str, known: Known | None = None):
        self.reader, self.pixels, self.origin, self.known = reader, pixels, origin, known

    def __call__(self, target: Target, first: int, items: Sequence[Item]) -> Report:
        """Decodes ``items``, which are the rows from ``first`` on."""
        report = Report(first=first, good=0, failed=[], found={}, surprise=None, digest="", origin=0, error=None)
        rows = np.empty((len(items), target.height, target.width, target.channels), np.uint8)
        origins = np.zeros((len(items), ORIGIN_BYTES), np.uint8)
        try:
            self._decode(target, items, rows, origins, report)
        except SurpriseError as surprise:
            report["surprise"] = surprise.args
            return report
        rows, origins = rows[: report["good"]], origins[: report["good"]]
        report["digest"], report["origin"] = sha256(rows.data).hexdigest(), crc32(origins.data)
        try:
            for path, values in ((self.pixels, rows), (self.origin, origins)):
                with open(path, "r+b", buffering=0) as file:
                    file.seek(HEADER + first * math.prod(values.shape[1:]))
                    write_all(file, values)
        except OSError as error:
            report["error"] = (error.errno or 0, error.strerror or str(error))
        return report

    def _decode(
        self, target: Target, items: Sequence[Item], rows: np.ndarray, origins: np.ndarray, report: Report
    ) -> None:
        found: Counter[str] = Counter()
        with no_bombs():
            for row, file in enumerate(self.reader(items), report["first"]):
                good = report["good"]
                try:
                    rows[good], conversions, origins[good] = self._image(file, target)
                except SurpriseError:
                    raise
                except Exception as error:  # Pillow lets any kind escape, and one damaged file must not end the rest
                    report["failed"].append((row, reason(error)))
                else:
                    report["good"] += 1
                    found.update(conversions)
        report["found"] = dict(found)

    def _image(self, file: str | BinaryIO, target: Target) -> tuple[np.ndarray, set[str], np.ndarray]:
        """Pixels, conversions and origin of one image."""
        stated, digest, encoded = stated_of(file) if isinstance(file, str) else b"", b"", None
        found = self.known.find(stated) if self.known and stated else None
        if found is None and (encoded := held(file) if isinstance(file, str) else file.read()) is not None:
            digest = sha256(encoded).digest()
            found = self.known.find(digest) if self.known else None
        if found:
            pixels = found.pixels.reshape(target.height, target.width, target.channels)
            return pixels, found.conversions, origin_of(found.digest, stated, found.conversions)
        pixels, conversions = decode(file if encoded is None else io.BytesIO(encoded), target)
        return pixels, conversions, origin_of(digest, stated, conversions)


def held(path: str) -> bytes | None:
    """A file's bytes, or None for what is no regular file or too long to hold."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > HELD:
        return None
    with open(path, "rb", buffering=0) as file:
        return file.read()


def reason(error: Exception) -> str:
    """An error as a few words, without the file's name."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split()) or type(error).__name__


def write_all(file: io.FileIO, rows: np.ndarray) -> None:
    """Writes an array whole: one system call may stop early."""
    left = np.ascontiguousarray(rows).reshape(-1).data
    while left:
        left = left[file.write(left) :]


def main() -> None:
    """The first line says how to read and where to write, each further line is a job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which closes the input
    lines: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(lines,), daemon=True).start()
    setup = json.loads(lines.get())
    known = Known(*setup["known"]) if setup["known"] else None
    decoder = Decoder(READERS[setup["reader"]](setup["paths"]), setup["pixels"], setup["origin"], known)
    while True:
        target, first, items = json.loads(lines.get())
        print(json.dumps(decoder(Target(*target), first, items)), flush=True)


def _listen(lines: "SimpleQueue[str]") -> None:
    """Passes the input on; its end is that of the process, since no process is left to read a report."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
