"""The file pixels.npy: uint8 [n, h, w, c] behind a header of fixed length, so that many processes can write to it."""

import errno
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latelier.core import Refusal
from latelier.data.worker import HEADER, write_all

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
        f"the disk of {path.parents[1]} is full: the decoded pictures need {size:,} bytes there; free some, "
        "ask for a smaller --size, or set LATELIER_CACHE to a folder with more room"
    )


def write_header(file: io.FileIO, shape: Sequence[int]) -> None:
    """Writes the first bytes, and stands after them."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)})
    assert header.tell() == HEADER, header.tell()
    file.seek(0)
    file.write(header.getvalue())


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
