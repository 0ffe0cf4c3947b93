"""Arrays as files: a header whose bytes follow from type and shape, then the values. In pixels.npy and origin.npy it
has a fixed length, so that many processes can write to them."""

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np

from latelier.data.packing.known import HEADER
from latelier.data.packing.sums import PIECE, DamagedError, regular
from latelier.data.packing.worker import write_all
from latelier.errors import Refusal

FULL = (errno.ENOSPC, errno.EDQUOT)


def allocate(path: Path, shape: Sequence[int]) -> io.FileIO:
    """A new file with all its room on the disk, open after the header: a full disk shows now, not in the middle of the
    work. Raises Refusal."""
    size = int(np.prod(shape))
    file = open(path, "w+b", buffering=0)  # noqa: SIM115, the caller closes it
    try:
        write_header(file, shape)
        if sys.platform == "linux":
            os.posix_fallocate(file.fileno(), 0, HEADER + size)
        else:
            file.truncate(HEADER + size)
    except OSError as error:
        file.close()
        if error.errno in FULL:
            raise disk_full(path, size) from error
        raise
    return file


def disk_full(path: Path, size: int) -> Refusal:
    """What to say when ``size`` bytes of pixels do not fit where ``path`` is."""
    return Refusal(
        f"the disk of {path.parents[1]} is full: the decoded images need {size:,} bytes there; free some, "
        "ask for a smaller --size, or set LATELIER_CACHE to a folder with more room"
    )


def write_header(file: io.FileIO, shape: Sequence[int]) -> None:
    """Writes the first bytes, and stands after them."""
    first = header(np.dtype(np.uint8), shape)
    assert len(first) == HEADER, len(first)
    file.seek(0)
    file.write(first)


def header(kind: np.dtype, shape: Sequence[int]) -> bytes:
    """The bytes with which ``np.save`` begins an array's file."""
    file = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def array(path: Path, content: bytes, kind: np.dtype, shape: Sequence[int]) -> np.ndarray:
    """The values in an array's file, of exactly this type and shape; its own header is compared and never parsed.
    Raises DamagedError."""
    first = header(kind, shape)
    if content[: len(first)] != first or len(content) - len(first) != kind.itemsize * prod(shape):
        raise DamagedError(f"{path.name}: not an array of {kind} {list(shape)}")
    return np.frombuffer(content, kind, offset=len(first)).reshape(shape)


def mapped_array(
    path: Path,
    length: int,
    total: int,
    kind: np.dtype,
    shape: Sequence[int],
    mode: Literal["r", "c"] = "r",
    check: Callable[[np.ndarray], None] = lambda values: None,
) -> np.memmap:
    """As ``array``, of a file of that length and sum which is read once in pieces and then mapped; ``check`` sees the
    values of each piece. Raises DamagedError."""
    first, found, seen = header(kind, shape), 0, 0
    agree = length == len(first) + prod(shape) * kind.itemsize
    try:
        with io.BufferedReader(regular(path)) as file:
            while piece := file.read(PIECE if seen else len(first)):
                if seen == 0:
                    agree = agree and piece == first
                elif agree and len(piece) % kind.itemsize == 0:
                    check(np.frombuffer(piece, kind))
                found, seen = crc32(piece, found), seen + len(piece)
    except OSError as error:
        raise DamagedError(f"{path.name}: {error.strerror or error}") from error
    if (seen, found) != (length, total):
        raise DamagedError(f"{path.name}: {'cut short' if seen < length else 'not what was written'}")
    if not agree:
        raise DamagedError(f"{path.name}: not an array of {kind} {list(shape)}")
    return np.memmap(path, kind, mode, len(first), tuple(shape))


def close_gaps(path: Path, shape: Sequence[int], runs: Sequence[tuple[int, int]]) -> None:
    """Moves runs of good rows, each (first, how many) and in order, together, and cuts the file after them."""
    row = int(np.prod(shape[1:]))
    kept = sum(n for _, n in runs)
    if kept == shape[0]:
        return
    with open(path, "r+b", buffering=0) as file:
        to = 0
        for first, n in runs:
            if first != to:
                file.seek(HEADER + first * row)
                block = file.read(n * row)
                file.seek(HEADER + to * row)
                write_all(file, np.frombuffer(block, np.uint8))
            to += n
        file.truncate(HEADER + kept * row)
        write_header(file, (kept, *shape[1:]))
