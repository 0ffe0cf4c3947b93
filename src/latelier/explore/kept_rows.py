"""Tables of numbers in the cache folder: each with a sum behind it, found only as it was written, the newest few."""

import io
from collections.abc import Generator, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from zlib import crc32

import numpy as np

from latelier.data.packing.sums import regular
from latelier.storage import files

FILES = 16  # of a kind that are kept; the oldest go
BYTES = 1 << 30  # of all of a kind
PIECE = 1 << 22  # bytes read or written at once
SUM = 4  # bytes of the sum behind a table


def found(path: Path, shape: tuple[int, int]) -> Generator[None, None, np.ndarray | None]:
    """The float32 table that was kept, or None where none of that shape is there as it was written. Pauses after each
    piece, so that others can go before."""
    with suppress(OSError, ValueError):
        head = _head(shape)
        with BufferedReader(regular(path)) as file:
            if file.read(len(head)) != head:
                return None
            rows, total = np.empty(shape, np.float32), crc32(head)
            for piece in _pieces(rows):
                if file.readinto(piece) != len(piece):
                    return None
                total = crc32(piece, total)
                yield
            if file.read(SUM + 1) == total.to_bytes(SUM, "little") and np.isfinite(rows).all():
                return rows
    return None


def keep(path: Path, rows: np.ndarray) -> Iterator[None]:
    """Writes a float32 table, and removes the oldest of its kind, the first word of its name; pauses as ``found`` does.
    Raises Refusal, or OSError, where it cannot."""
    head = _head(rows.shape)
    with files.replacing(path) as file:
        file.write(head)
        total = crc32(head)
        for piece in _pieces(rows):
            file.write(piece)
            total = crc32(piece, total)
            yield
        file.write(total.to_bytes(SUM, "little"))
    kind = path.name.partition("-")[0]
    newest = sorted(path.parent.glob(f"{kind}-*.npy"), key=lambda one: one.stat().st_mtime, reverse=True)
    room = BYTES
    for place, one in enumerate(newest):
        room -= one.stat().st_size
        if place and (place >= FILES or room < 0):
            one.unlink(missing_ok=True)


def _head(shape: tuple[int, ...]) -> bytes:
    """What np.save writes before the numbers."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return head.getvalue()


def _pieces(rows: np.ndarray) -> list[memoryview]:
    whole = rows.reshape(-1).data.cast("B") if rows.size else memoryview(b"")
    return [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]
