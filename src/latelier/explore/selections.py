"""Sets of images that people have selected: kept here, named in the page's address."""

import base64
from collections import OrderedDict
from hashlib import sha256

import numpy as np

from latelier.errors import Refusal
from latelier.explore.requests import Question

MOST = 64  # selections that are kept; the one that was used longest ago goes


class Selections:
    """Rows of one set of n images, by an id that is a hash of them: the same images have the same id again."""

    def __init__(self, count: int):
        self._count = count
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()

    def add(self, rows: np.ndarray) -> str:
        """The id of these rows, int [k], which are kept in their order. Raises Refusal for rows that are not there."""
        rows = np.asarray(rows, np.int64)
        if len(rows) and not (rows.min() >= 0 and rows.max() < self._count):
            raise Refusal(f"a selection has rows from 0 to {self._count - 1}, but got {rows.min()} to {rows.max()}")
        name = f"s{sha256(rows.tobytes()).hexdigest()[:16]}"
        self._kept[name] = rows
        self._kept.move_to_end(name)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return name

    def rows(self, name: str) -> np.ndarray:
        """int64 [k]. Raises Refusal for an id that is not kept."""
        if name not in self._kept:
            raise Refusal("this selection is no longer here: select the images again")
        self._kept.move_to_end(name)
        return self._kept[name]

    def of_bits(self, question: Question) -> np.ndarray:
        """The rows of the bits in a question, the first image in the highest bit of the first byte, in base 64. Raises
        Refusal for bits that do not fit."""
        try:
            packed = base64.b64decode(question.text("bits"), validate=True)
        except ValueError as error:
            raise Refusal("a selection's bits are in base 64; select the images again") from error
        if len(packed) != (self._count + 7) // 8:
            raise Refusal(f"a selection of {self._count} images has {(self._count + 7) // 8} bytes, not {len(packed)}")
        return np.flatnonzero(np.unpackbits(np.frombuffer(packed, np.uint8), count=self._count))

    def __len__(self) -> int:
        return len(self._kept)
