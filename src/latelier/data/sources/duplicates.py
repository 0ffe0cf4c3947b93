"""Images that are the same byte for byte, within a split and across splits."""

import os
from collections.abc import Container
from hashlib import sha256
from typing import Any, BinaryIO

from latelier.data.packing.plan import Plan
from latelier.data.packing.worker import READERS

MOST = 4 << 30  # bytes that are read at most


class Duplicates:
    """Of files and members only those are read that share their size with another."""

    def __init__(self) -> None:
        self.count = 0  # images that are equal to an earlier one
        self.across = 0  # of those, the ones whose first is in another split
        self.left = MOST  # below 0 there is too much to read, and the counts are no use
        self._first: dict[int, tuple[Plan, Any, str] | None] = {}  # size -> its first image while that is unread
        self._split: dict[bytes, str] = {}  # digest -> the split of its first image

    def add(self, plan: Plan, split: str, without: Container[int] = ()) -> None:
        """The images of a split, but for the rows ``without``, which are not used."""
        items = [item for row, item in enumerate(plan.slice(range(len(plan)))) if row not in without]
        if plan.reader == "parquet":  # sizes are known by reading alone
            self.left -= sum(os.path.getsize(path) for path in plan.paths)
            for file in READERS[plan.reader](plan.paths)(items if self.left >= 0 else []):
                self._note(file, split)
            return
        for item in items:
            if self.left < 0:
                return
            size = int(item[2]) if plan.reader == "tar" else _size(os.path.join(plan.paths[0], item))
            if size > 0 and size not in self._first:
                self._first[size] = (plan, item, split)
            elif size > 0:
                for of_plan, one, its in filter(None, (self._first[size], (plan, item, split))):
                    self.left -= size
                    for file in READERS[of_plan.reader](of_plan.paths)([one]):
                        self._note(file, its)
                self._first[size] = None

    def _note(self, file: str | BinaryIO, split: str) -> None:
        if isinstance(file, str):
            with open(file, "rb") as opened:
                content = opened.read()
        else:
            content = file.read()
        if not content:
            return
        digest = sha256(content).digest()
        if digest in self._split:
            self.count += 1
            self.across += self._split[digest] != split
        else:
            self._split[digest] = split


def _size(path: str) -> int:
    """The size of a regular file; 0 of anything else, and of what is not there."""
    return os.path.getsize(path) if os.path.isfile(path) else 0
