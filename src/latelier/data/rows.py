"""Sequences of what is known of many images, one item a row, that need not hold an object for each."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, cast, overload

import numpy as np

T = TypeVar("T")
BLOCK = 4_096  # rows that are read together


class Rows(Sequence[T], Generic[T]):
    """A sequence that gives several rows at once, in lists; two are equal where their items are."""

    def some(self, rows: np.ndarray) -> list[T]:
        """The items at these rows, int64 [m], none negative."""
        raise NotImplementedError

    @overload
    def __getitem__(self, row: int) -> T: ...
    @overload
    def __getitem__(self, row: slice) -> list[T]: ...
    def __getitem__(self, row: int | slice) -> T | list[T]:
        if isinstance(row, slice):
            return self.some(np.arange(*row.indices(len(self))))
        place = int(row) + (len(self) if row < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(row)
        return self.some(np.array([place]))[0]

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Absent(Rows[Sequence[str]]):
    """The captions of images without any."""

    def __init__(self, count: int):
        self._count = count

    def __len__(self) -> int:
        return self._count

    def some(self, rows: np.ndarray) -> list[Sequence[str]]:
        return [()] * len(rows)


class Chosen(Rows[T]):
    """Some rows of others, int64 [m]."""

    def __init__(self, values: Rows[T], rows: np.ndarray):
        self.values, self.rows = values, np.where(rows < 0, rows + len(values), rows)

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, rows: np.ndarray) -> list[T]:
        return self.values.some(self.rows[rows])


def chosen(values: Sequence[T], rows: np.ndarray) -> Sequence[T]:
    """The items at these rows, int64 [m]: of a column no list is made."""
    if isinstance(values, Absent):
        return cast(Sequence[T], Absent(len(rows)))
    if isinstance(values, Chosen):
        return Chosen(values.values, values.rows[rows])
    return Chosen(values, rows) if isinstance(values, Rows) else [values[i] for i in rows]
