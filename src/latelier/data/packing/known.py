"""Images that other packs hold already, recognised by the digests of their encoded bytes: they are copied, not decoded.

origin.npy of a pack, uint8 [n, 64]: of each row the sha256 of the bytes that it was decoded from, and what was
converted as words, filled up with zeros. An index over the rows of many packs, uint64 [2, m] and ascending, leads from
the first eight bytes of a digest to the place. Imports numpy alone, as a decoding process does.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from latelier.data.packing.sums import BLOCK, Blocks, DamagedError, regular

ORIGIN, PIXELS, SUMS = "origin.npy", "pixels.npy", "sums.npy"  # files of a pack
HEADER = 128  # bytes before the first row in origin.npy and pixels.npy
DIGEST, ORIGIN_BYTES = 32, 64  # bytes
ROWS = 40  # bits of a place that are the row, above them the number of the pack


def origin_of(digest: bytes, conversions: Iterable[str]) -> np.ndarray:
    """A row of origin.npy; of zeros, so that nothing is found by it, where the words do not fit."""
    words = " ".join(sorted(conversions)).encode()
    row = digest + words if len(words) <= ORIGIN_BYTES - DIGEST else b""
    return np.frombuffer(row.ljust(ORIGIN_BYTES, b"\0"), np.uint8)


def index_of(origins: Sequence[np.ndarray]) -> np.ndarray:
    """The index over the origins of several packs; of rows that agree the first pack's."""
    keys = [np.ascontiguousarray(origin[:, :8]).view("<u8")[:, 0] for origin in origins]
    places = [np.arange(len(key), dtype=np.uint64) + np.uint64(pack << ROWS) for pack, key in enumerate(keys)]
    key, first = np.unique(np.concatenate(keys), return_index=True)
    index = np.stack([key, np.concatenate(places)[first]])
    return index[:, key > 0]  # zeros are of rows without a digest


class Known:
    """Rows of other packs, all of one form. A pack that is removed meanwhile, or damaged, holds nothing."""

    def __init__(self, index: str, row: int, packs: Sequence[str]):
        """``index``: its file; ``row``: bytes of an image; ``packs``: the folders, by number."""
        self._keys, self._places = np.asarray(np.load(index, mmap_mode="r"))  # plain arrays: maps are slow to index
        self._row = row
        self._folders, self._packs = packs, dict[int, _Pack | None]()

    def find(self, digest: bytes) -> tuple[np.ndarray, set[str]] | None:
        """uint8 [row] and what was converted, of the image that was decoded from bytes with this digest; or None."""
        key = np.frombuffer(digest, "<u8", 1)[0]
        at = int(self._keys.searchsorted(key))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        number, row = divmod(int(self._places[at]), 1 << ROWS)
        try:
            if number not in self._packs:
                self._packs[number] = None
                self._packs[number] = _Pack(Path(self._folders[number]))
            pack = self._packs[number]
            return pack.find(digest, row, self._row) if pack else None
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

    def find(self, digest: bytes, row: int, size: int) -> tuple[np.ndarray, set[str]] | None:
        """``size``: bytes of an image."""
        origin = self._origin.bytes(HEADER + row * ORIGIN_BYTES, ORIGIN_BYTES)
        if origin[:DIGEST] != digest:
            return None
        start = HEADER + row * size
        first, last = start // BLOCK, (start + size - 1) // BLOCK
        if not self._first * BLOCK <= start <= start + size <= self._first * BLOCK + len(self._held):
            self._first, self._held = first, self._pixels.read(first, last)
        pixels = np.frombuffer(self._held, np.uint8, size, start - self._first * BLOCK)
        return pixels, set(origin[DIGEST:].rstrip(b"\0").decode().split())
