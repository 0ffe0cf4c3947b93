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


def split_words(name: str) -> list[str]:
    """The splits that a name has for a word ("stage1_test", "train2")."""
    words = (ALIASES.get(word, word) for word in re.findall(r"[a-z]+", name.lower()))
    return [word for word in words if word in SPLITS]


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """train, validation, test, then the rest by name."""
    return tuple(sorted(splits, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)))
