"""Sums by which damage in a pack's files is noticed: CRC-32, of a file or of each block of one. They guard against
faults of disks, copies and killed programs, not against somebody who writes new sums with new pixels.

Imports numpy alone, for decoding processes copy rows of other packs.
"""

import os
import stat
from io import BufferedReader, FileIO
from pathlib import Path
from threading import Lock
from zlib import crc32

import numpy as np

BLOCK = 1 << 16  # bytes that share a sum: an image that is asked for costs the reading of so much at the first time
PIECE = 1 << 20  # bytes that are read at once


class DamagedError(Exception):
    """What of a pack is not as it was made: the file, and what is wrong with it."""


def regular(path: Path) -> FileIO:
    """A regular file open to be read; the caller closes it. Raises OSError; a pipe is not waited for."""
    file = FileIO(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)), "r")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a regular file")
    return file


def read(path: Path, most: int) -> bytes:
    """A file whole. Raises DamagedError for one that is longer than ``most`` bytes or cannot be read."""
    try:
        with BufferedReader(regular(path)) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DamagedError(f"{path.name}: {error.strerror or error}") from error
    if len(content) > most:
        raise DamagedError(f"{path.name}: longer than it was")
    return content


def verified(path: Path, size: int, expected: int) -> bytes:
    """A file whole. Raises DamagedError unless it is ``size`` bytes long and has the expected sum."""
    content = read(path, size)
    if len(content) < size:
        raise DamagedError(f"{path.name}: cut short")
    if crc32(content) != expected:
        raise DamagedError(f"{path.name}: not what was written")
    return content


def total(path: Path) -> tuple[int, int]:
    """Bytes and sum of a file, which may be longer than memory. Raises OSError."""
    found = 0
    with regular(path) as file:
        for block in iter(lambda: file.read(PIECE), b""):
            found = crc32(block, found)
        return file.tell(), found


def block_sums(path: Path) -> np.ndarray:
    """uint32 [b], of each block of a file; the last may be shorter."""
    with open(path, "rb", buffering=0) as file:
        return np.array([crc32(block) for block in iter(lambda: file.read(BLOCK), b"")], np.uint32)


class Blocks:
    """An open file that is read by blocks, each of which is checked."""

    def __init__(self, file: FileIO, sums: np.ndarray):
        self.file, self.sums, self._turn = file, sums, Lock()

    def read(self, first: int, last: int) -> bytes:
        """Blocks ``first`` to ``last``, that one too. Raises DamagedError where one differs from its sum, OSError where
        it cannot be read."""
        content = self.bytes(first * BLOCK, (last + 1 - first) * BLOCK)
        for block in range(first, last + 1):
            start = (block - first) * BLOCK
            if crc32(memoryview(content)[start : start + BLOCK]) != self.sums[block]:
                raise DamagedError(f"block {block}, of {BLOCK} bytes, is not what was written")
        return content

    def bytes(self, start: int, count: int) -> bytes:
        """As they are, unchecked; fewer where the file ends. Threads may ask at once."""
        with self._turn:
            self.file.seek(start)
            return self.file.read(count)
