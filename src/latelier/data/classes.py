"""Class names and numbers out of what sources say of labels."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from latelier.core import Refusal

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f]")  # control characters: no class is called so, and they garble what is said
MOST = 100_000  # classes: beyond it a column of numbers is something else


def number(
    values: Sequence[str | int | None], everywhere: Iterable[str | int | None], names: Sequence[str] | None, where: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """int64 class numbers (-1 = unknown) and the names of all classes. Whole numbers are class numbers already, words
    are numbered in alphabetical order of ``everywhere``: the values of all splits, which so agree. Raises Refusal."""
    known = {value for value in everywhere if value is not None}
    if odd := [value for value in (*known, *(names or ())) if isinstance(value, str) and UNFIT.search(value)]:
        raise Refusal(f"{where}: the class {odd[0]!r} holds a control character; rename it")
    if all(isinstance(value, int) for value in known):
        most = max((int(value) for value in known), default=-1)
        classes = tuple(map(clean, names)) if names else tuple(map(str, range(min(most, MOST) + 1)))
        if most >= len(classes):
            raise Refusal(
                f"{where}: class number {most}, but {len(classes)} classes are known; expected 0 to {len(classes) - 1}"
            )
        label = [-1 if value is None else max(int(value), -1) for value in values]
    else:
        classes = tuple(sorted({str(value) for value in known}, key=natural))
        numbers = {name: i for i, name in enumerate(classes)}
        label = [-1 if value is None else numbers[str(value)] for value in values]
    return np.array(label, np.int64).reshape(len(values)), classes


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sorting by it puts 2 before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"([0-9]+)", name) if part]


def clean(name: str) -> str:
    """A class name without the marks of printed bytes, which some published lists carry."""
    match = re.fullmatch(r"b'(.*)'|b\"(.*)\"", name)
    return next(filter(None, match.groups()), "") if match else name
