"""In which order rows are drawn: a fresh permutation an epoch, a pure function of (seed, epoch, number of rows).

Up to ``HELD`` rows it is ``torch.randperm``, held whole. Of more no array of all rows is made: each block of positions
is computed when it is asked for, by a Feistel network whose permutation walks along its cycles until it is back among
the n rows (Black and Rogaway 2002, Ciphers with arbitrary finite domains, section 4).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from latelier.data.seeds import mix

HELD = 1 << 20  # rows up to which a permutation is held: 8 MB. Resuming needs it as it is: another one, another order
BLOCK = 1 << 16  # positions that are computed at once
ROUNDS = 8  # of the network, an even number; 4 suffice where each round's function is random (Luby and Rackoff 1988)
FACTOR, HALF = np.uint32(0x45D9F3B), np.uint32(16)  # odd


class Order:
    """An endless walk over rows: a fresh permutation an epoch, without end or remainder."""

    def __init__(self, rows: Tensor | int, seed: int):
        """``rows``: int64 [n], or n for the rows 0 to n - 1, of which no array is made."""
        self.rows, self.seed = rows, seed
        self._count = rows if isinstance(rows, int) else len(rows)
        self._known, self._permuted = (-1, -1), torch.zeros(0, dtype=torch.int64)

    def __len__(self) -> int:
        return self._count

    def at(self, position: int, size: int) -> Tensor:
        """Rows at positions [position, position + size), int64."""
        parts = []
        while size > 0:
            epoch, offset = divmod(position, self._count)
            number, place = divmod(offset, BLOCK) if self._count > HELD else (0, offset)
            part = self._block(epoch, number)[place : place + size]
            parts.append(part)
            position, size = position + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else torch.cat([self._permuted[:0], *parts])

    def _block(self, epoch: int, number: int) -> Tensor:
        """Rows at the positions of a block of an epoch; up to ``HELD`` rows one block is all of them."""
        if self._known != (epoch, number):
            seed = mix(self.seed, epoch)
            if self._count > HELD:
                first = number * BLOCK
                block = np.arange(first, min(first + BLOCK, self._count), dtype=np.uint64)
                places = torch.from_numpy(permuted(block, self._count, seed).astype(np.int64))
            else:
                places = torch.randperm(self._count, generator=torch.Generator().manual_seed(seed))
            self._permuted = places if isinstance(self.rows, int) else self.rows[places]
            self._known = (epoch, number)
        return self._permuted


def permuted(place: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Where a pseudorandom permutation of 0 to count - 1 leads each of these places, uint64 [m], count at most 2^62.
    For a count below some thousands not all permutations are equally likely."""
    bits = max(2, (count - 1).bit_length())
    keys = [mix(seed, number) & 0xFFFFFFFF for number in range(ROUNDS)]
    found = _network(place, bits, keys)
    outside = np.flatnonzero(found >= count)
    while len(outside):  # fewer each time, as count > 2^(bits - 1)
        again = found[outside] = _network(found[outside], bits, keys)
        outside = outside[again >= count]
    return found


def _network(value: np.ndarray, bits: int, keys: Sequence[int]) -> np.ndarray:
    """A permutation of the numbers below 2^bits, uint64 [m]: the halves of their bits take turns, and each is changed
    by a hash of the other."""
    low = bits - bits // 2
    one, two = (value >> np.uint64(low)).astype(np.uint32), (value & np.uint64((1 << low) - 1)).astype(np.uint32)
    hashed, shifted, width = np.empty_like(one), np.empty_like(one), bits // 2
    for key in keys:  # products wrap around
        np.add(two, np.uint32(key), out=hashed)
        np.multiply(hashed, FACTOR, out=hashed)
        np.right_shift(hashed, HALF, out=shifted)
        np.bitwise_xor(hashed, shifted, out=hashed)
        np.multiply(hashed, FACTOR, out=hashed)
        np.right_shift(hashed, np.uint32(32 - width), out=hashed)  # its upper bits depend on all bits below
        np.bitwise_xor(one, hashed, out=one)
        one, two, width = two, one, bits - width
    return (one.astype(np.uint64) << np.uint64(low)) | two
