"""Names of splits."""

import re
from collections.abc import Iterable

SPLITS = ("train", "validation", "test")
ALIASES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}


def split_name(name: str, *, whole: bool = False) -> str | None:
    """The split that a name begins with ("train-00000-of-00002.parquet"), or is."""
    match = re.match(r"[a-z]+", name.lower())
    word = match.group() if match else ""
    if whole and word != name.lower():
        return None
    word = ALIASES.get(word, word)
    return word if word in SPLITS else None


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """train, validation, test, then the rest by name."""
    return tuple(sorted(splits, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)))
