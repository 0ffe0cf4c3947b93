"""What a source hands to the pack: images still to be decoded, and what is known of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.worker import Item
from latelier.data.rows import Absent


@dataclass(frozen=True)
class Plan:
    """n images in their order."""

    reader: Literal["files", "tar", "parquet"]
    paths: list[str]  # the folder of the files, or the shards
    items: Sequence[str] | np.ndarray  # for each image what the reader needs to find it: a name, or a row of [n, 3]
    facts: Images  # names and, where the source holds them, labels and the like; its pixels are empty

    def __len__(self) -> int:
        return len(self.items)

    def slice(self, rows: range) -> list[Item]:
        """The items of these rows, fit for JSON."""
        items = self.items[rows.start : rows.stop]
        return items.tolist() if isinstance(items, np.ndarray) else list(items)


def unknown(names: Sequence[str]) -> Images:
    """Images of which nothing is known yet but their names; no pixels."""
    n = len(names)
    return Images(
        pixels=np.zeros((n, 0, 0, 1), np.uint8),
        label=np.full(n, -1, np.int64),
        attribute=np.zeros((n, 0), np.int8),
        captions=Absent(n),
        names=names,
    )
