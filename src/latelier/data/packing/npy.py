"""Arrays as files: a header whose bytes follow from type and shape, then the values. In pixels.npy and origin.npy it
has a fixed length, so that many processes can write to them."""

import errno
import io
import os
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from latelier.data.packing.known import HEADER
from latelier.data.packing.sums import DamagedError
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
