"""Runs of words."""

from collections import Counter
from collections.abc import Sequence

Words = Sequence[str]
ORDERS = (1, 2, 3, 4)


def ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    """How often each run of n words occurs."""
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))
