"""Pixels of a pack, each block of which is checked before it is handed out for the first time.

Up to ``AT_ONCE`` bytes all blocks are checked when the pack is opened. Of more that would not be instant any longer:
there each block is checked when rows of it are first asked for.
"""

import os
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np

from latelier.data.packing.known import HEADER
from latelier.data.packing.npy import header
from latelier.data.packing.sums import BLOCK, Blocks, DamagedError, regular
from latelier.errors import Refusal

AT_ONCE = 256 << 20  # bytes; so much takes .06 s on one core of a Zen 4 EPYC when the file is in memory
RUN = 64  # blocks that are read at once


def mapped(path: Path, shape: tuple[int, ...], sums: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c] behind the header of an array's file, not to be written to. Raises DamagedError."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(regular(path))
        except OSError as error:
            raise DamagedError(f"{path.name}: {error.strerror or error}") from error
        first = header(np.dtype(np.uint8), shape)
        length, expected = os.fstat(file.fileno()).st_size, len(first) + prod(shape)
        if length != expected:
            raise DamagedError(f"{path.name}: {length:,} bytes long, and was {expected:,}")
        pixels = Checked(path, file, shape, sums)
        pixels.read(np.zeros(1, np.int64))  # the block that holds the header
        if pixels.bytes(0, len(first)) != first:
            raise DamagedError(f"{path.name}: not an array of uint8 {list(shape)}")
        if length <= AT_ONCE:
            pixels.read_all()
            return pixels.pixels
        weakref.finalize(pixels, stack.pop_all().close)
    return cast(np.ndarray, pixels)  # to whatever reads Images it is one


def raw(pixels: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], None] | None]:
    """The array itself, and what rows, int64 [m], must be shown to before they are read, if anything."""
    held: object = pixels
    return (held.pixels, held.check) if isinstance(held, Checked) else (pixels, None)


class Checked:
    """To its readers an array uint8 [n, h, w, c]: rows are checked as they are asked for, and all when it is turned
    into an array. Whatever else an array can do it cannot, so that nothing reads past the check."""

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, path: Path, file: FileIO, shape: tuple[int, ...], sums: np.ndarray):
        self.pixels: np.ndarray = np.memmap(file, np.uint8, "r", HEADER, shape)
        self.shape, self.size, self.nbytes = shape, prod(shape), prod(shape)
        self._path, self._blocks, self._row = path, Blocks(file, sums), prod(shape[1:])
        self._seen, self._whole = np.zeros(len(sums), bool), False

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        if not self._whole:
            first = rows[0] if isinstance(rows, tuple) and rows else rows
            first = slice(None) if first is None or first is Ellipsis else first
            of_all = range(len(self))
            wanted = of_all[first] if isinstance(first, slice) else np.arange(len(self))[first]
            self.check(np.atleast_1d(np.asarray(wanted)).ravel())
        return self.pixels[rows]

    def __array__(self, kind: Any = None, copy: bool | None = None) -> np.ndarray:
        self.check(np.arange(len(self)))
        return np.array(self.pixels, kind, copy=copy)

    def check(self, rows: np.ndarray) -> None:
        """Raises Refusal where a block that holds one of these rows, int64 [m] and none negative, is damaged; the pack
        is then made again when it is next asked for."""
        if self._whole:
            return
        try:
            self.read(rows)
        except DamagedError as error:
            give_up(self._path.parent, str(error))

    def read(self, rows: np.ndarray) -> None:
        """As ``check``, but raises DamagedError."""
        first, last = (HEADER + rows * self._row) // BLOCK, (HEADER + (rows + 1) * self._row - 1) // BLOCK
        blocks = first[:, None] + np.arange(int((last - first).max(initial=0)) + 1)
        blocks = blocks[blocks <= last[:, None]]
        for block in np.unique(blocks[~self._seen[blocks]]).tolist():
            self._read(block, block)
        self._whole = bool(self._seen.all())

    def bytes(self, start: int, count: int) -> bytes:
        """Of the file, as they are."""
        return self._blocks.bytes(start, count)

    def read_all(self) -> None:
        """As ``read`` of all rows, in large pieces."""
        for first in range(0, len(self._seen), RUN):
            self._read(first, min(first + RUN, len(self._seen)) - 1)

    def _read(self, first: int, last: int) -> None:
        try:
            self._blocks.read(first, last)
        except (OSError, DamagedError) as error:
            raise DamagedError(f"{self._path.name}: {error}") from error
        self._seen[first : last + 1] = True


def give_up(folder: Path, why: str) -> NoReturn:
    """Raises Refusal for a pack that is damaged, which is made again when it is next asked for."""
    said = f"the decoded images in {folder} are damaged ({why})"
    try:
        (folder / "info.json").unlink(missing_ok=True)  # what it is called by is no pack any longer
    except OSError as error:
        raise Refusal(f"{said}: remove that folder, then run the same command again") from error
    raise Refusal(f"{said}: run the same command again, which makes it anew")
