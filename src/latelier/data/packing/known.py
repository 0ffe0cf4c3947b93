"""Images that other packs hold already: they are copied, not decoded. A file is recognised by its path, size and time
of change, and is not even read then; whatever else holds an image, and a file that was moved or touched, by the digest
of its encoded bytes.

origin.npy of a pack, uint8 [n, 80]: of each row the sha256 of the bytes that it was decoded from; 16 bytes of a digest
of its file's path, size and time; and what was converted as words, filled up with zeros. What is not known is zeros. An
index over the rows of many packs, uint64 [2, m] and ascending, leads from the first eight bytes of either digest to the
place. Imports numpy alone, as a decoding process does.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latelier.data.packing.sums import BLOCK, Blocks, DamagedError, regular

ORIGIN, PIXELS, SUMS = "origin.npy", "pixels.npy", "sums.npy"  # files of a pack
HEADER = 128  # bytes before the first row in origin.npy and pixels.npy
DIGEST, STATED, WORDS = 32, 16, 32  # bytes of a row's parts
ORIGIN_BYTES = DIGEST + STATED + WORDS
ROWS = 40  # bits of a place that are the row, above them the number of the pack


def stated_of(path: str) -> bytes:
    """What tells a file in its present state from others, without its content. Raises OSError."""
    status = os.stat(path)
    state = b"%s\0%d\0%d" % (os.fsencode(path), status.st_size, status.st_mtime_ns)
    return blake2b(state, digest_size=STATED).digest()


def origin_of(digest: bytes, stated: bytes, conversions: Iterable[str]) -> np.ndarray:
    """A row of origin.npy; of zeros, so that nothing is found by it, where the words do not fit. ``digest`` and
    ``stated``: b"" where it is not known."""
    words = " ".join(sorted(conversions)).encode()
    row = digest.ljust(DIGEST, b"\0") + stated.ljust(STATED, b"\0") + words if len(words) <= WORDS else b""
    return np.frombuffer(row.ljust(ORIGIN_BYTES, b"\0"), np.uint8)


def index_of(origins: Sequence[np.ndarray]) -> np.ndarray:
    """The index over the origins of several packs; of rows that agree the first pack's."""
    keys, places = list[np.ndarray](), list[np.ndarray]()
    for pack, origin in enumerate(origins):
        for start in (0, DIGEST):
            keys.append(np.ascontiguousarray(origin[:, start : start + 8]).view("<u8")[:, 0])
            places.append(np.arange(len(origin), dtype=np.uint64) + np.uint64(pack << ROWS))
    key, first = np.unique(np.concatenate(keys), return_index=True)
    index = np.stack([key, np.concatenate(places)[first]])
    return index[:, key > 0]  # zeros are of rows that are not known so


class Found(NamedTuple):
    """An image that another pack holds."""

    pixels: np.ndarray  # uint8 [row]
    digest: bytes  # of its encoded bytes, or zeros
    conversions: set[str]


class Known:
    """Rows of other packs, all of one form. A pack that is removed meanwhile, or damaged, holds nothing."""

    def __init__(self, index: str, row: int, packs: Sequence[str]):
        """``index``: its file; ``row``: bytes of an image; ``packs``: the folders, by number."""
        self._keys, self._places = np.asarray(np.load(index, mmap_mode="r"))  # plain arrays: maps are slow to index
        self._row = row
        self._folders, self._packs = packs, dict[int, _Pack | None]()

    def find(self, known: bytes) -> Found | None:
        """The image that was decoded from bytes with this digest, or from a file that is ``stated`` so; or None."""
        key = np.frombuffer(known, "<u8", 1)[0]
        at = int(self._keys.searchsorted(key))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        number, row = divmod(int(self._places[at]), 1 << ROWS)
        try:
            if number not in self._packs:
                self._packs[number] = None
                self._packs[number] = _Pack(Path(self._folders[number]))
            pack = self._packs[number]
            return pack.find(known, row, self._row) if pack else None
        except (OSError, ValueError, IndexError, DamagedError):
            return None

    def close(self) -> None:
        for pack in self._packs.values():
            if pack:
                pack.close()


class _Pack:
    def __init__(self, folder: Path):
        sums = np.load(folder / SUMS)
        with ExitStack() as opened:
            origin, pixels = (opened.enter_context(regular(folder / name)) for name in (ORIGIN, PIXELS))
            self._origin, self._pixels = Blocks(origin, sums[:0]), Blocks(pixels, sums)
            self.close = opened.pop_all().close
        self._first, self._held = 0, b""  # blocks that were read last, from which on

    def find(self, known: bytes, row: int, size: int) -> Found | None:
        """``size``: bytes of an image."""
        origin = self._origin.bytes(HEADER + row * ORIGIN_BYTES, ORIGIN_BYTES)
        digest, stated, words = origin[:DIGEST], origin[DIGEST:-WORDS], origin[-WORDS:]
        if known not in (digest, stated):
            return None
        start = HEADER + row * size
        first, last = start // BLOCK, (start + size - 1) // BLOCK
        if not self._first * BLOCK <= start <= start + size <= self._first * BLOCK + len(self._held):
            self._first, self._held = first, self._pixels.read(first, last)
        pixels = np.frombuffer(self._held, np.uint8, size, start - self._first * BLOCK)
        return Found(pixels, digest, set(words.rstrip(b"\0").decode().split()))
