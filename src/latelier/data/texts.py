"""Names and captions of many images, without a Python object for each: columns of Arrow IPC files, read by blocks of
rows as they are asked for.

Text is UTF-8, in columns of bytes: halves of surrogate pairs, as in names of files that are no UTF-8, are encoded like
other characters ("surrogatepass"), which columns of strings refuse. A block is read from the file rather than mapped:
what is handed out are the bytes that were compared with their sums, and a file that is cut while it is open ends in a
Refusal and not in a signal.
"""

import os
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from latelier.data.checked import give_up
from latelier.data.packing.sums import BLOCK, Blocks, DamagedError, regular
from latelier.data.rows import BLOCK as ROWS
from latelier.data.rows import Rows

T = TypeVar("T")
HELD = 16  # record batches, of ``ROWS`` rows each, that stay in memory
COLUMN = "value"


class Texts(Rows[T]):
    """A column's texts, or lists of texts. Whatever is read of the file is compared with the sums of its blocks. A
    file that is damaged, or of another form, ends in a Refusal, and the pack that it is of is given up."""

    def __init__(self, path: Path, count: int, sums: np.ndarray, *, lists: bool):
        """``sums``: uint32 [b], of the blocks of the file. Raises DamagedError for what is no file."""
        self._path, self._count, self._lists = path, count, lists
        try:
            file = regular(path)
        except OSError as error:
            raise DamagedError(f"{path.name}: {error.strerror or error}") from error
        self._file, self._turn = _Checked(Blocks(file, sums), os.fstat(file.fileno()).st_size), Lock()
        weakref.finalize(self, file.close)
        self._arrow: Any = None
        self._held = OrderedDict[int, Any]()  # number of a record batch -> its column; the one used last comes last

    def __len__(self) -> int:
        return self._count

    def some(self, rows: np.ndarray) -> list[T]:
        number, place = np.divmod(rows, ROWS)
        found: list[Any] = [None] * len(rows)
        for one in np.unique(number).tolist():
            here = np.flatnonzero(number == one)
            for at, value in zip(here.tolist(), self._values(one, place[here]), strict=True):
                found[at] = value
        return found

    def _values(self, number: int, places: np.ndarray) -> list[Any]:
        """Some items of a record batch."""
        try:
            with self._turn:
                batch = self._batch(number)
            values = batch.to_pylist() if 2 * len(places) > len(batch) else None
            chosen = [values[i] if values else batch[i].as_py() for i in places.tolist()]
            return [[_text(one) for one in many] for many in chosen] if self._lists else [_text(one) for one in chosen]
        except (DamagedError, UnicodeDecodeError) as error:
            give_up(self._path.parent, f"{self._path.name}: {error}")

    def _batch(self, number: int) -> Any:
        """The column of a record batch. Raises DamagedError."""
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        import pyarrow as pa

        kind = _kind(self._lists)
        try:
            self._arrow = self._arrow or pa.ipc.open_file(pa.PythonFile(self._file, "r"))
            batch = self._arrow.get_batch(number)
            batch.validate(full=True)
        except (pa.ArrowException, OSError, LookupError, ValueError) as error:
            raise DamagedError(str(error).partition("\n")[0]) from error
        expected = min(ROWS, self._count - number * ROWS)
        if batch.schema != pa.schema([(COLUMN, kind)]) or len(batch) != expected:
            raise DamagedError(f"not {expected} rows of {kind}")
        column = batch.column(0)
        if column.null_count or (self._lists and column.flatten().null_count):
            raise DamagedError("no text in a row")
        self._held[number] = column
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return self._held[number]


class _Checked:
    """A file as pyarrow reads one, each block of which is checked when it is read. Raises DamagedError and OSError."""

    closed = False

    def __init__(self, blocks: Blocks, length: int):
        self._blocks, self._length, self._at = blocks, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        return self._at

    def read(self, count: int) -> bytes:
        start, end = self._at, min(self._at + count, self._length)
        if start >= end:
            return b""
        first = start // BLOCK
        content = self._blocks.read(first, (end - 1) // BLOCK)
        self._at = end
        return content[start - first * BLOCK : end - first * BLOCK]


def write_texts(path: Path, values: Iterable[Any], *, lists: bool) -> None:
    """Writes a column, of texts or of lists of texts. Raises OSError."""
    import pyarrow as pa

    schema = pa.schema([(COLUMN, _kind(lists))])
    with open(path, "wb") as file, pa.ipc.new_file(file, schema) as writer:
        left = iter(values)
        while block := list(islice(left, ROWS)):
            coded = [[_bytes(one) for one in many] for many in block] if lists else [_bytes(one) for one in block]
            writer.write_batch(pa.record_batch([pa.array(coded, schema.field(0).type)], schema=schema))


def _kind(lists: bool) -> Any:
    import pyarrow as pa

    return pa.large_list(pa.large_binary()) if lists else pa.large_binary()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(coded: bytes) -> str:
    return coded.decode("utf-8", "surrogatepass")
