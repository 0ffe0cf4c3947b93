"""Class names and numbers out of what sources say of labels."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from latelier.data.foreign import UNFIT, Label, is_nothing
from latelier.errors import Refusal

MOST = 100_000  # classes: beyond it a column of numbers is something else


def number(
    values: Sequence[Label],
    everywhere: Iterable[Label],
    names: Sequence[str] | None,
    where: str,
    between: bool = True,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """int64 class numbers (-1 = unknown) and the names of all classes. Whole numbers are class numbers already, words
    are numbered in alphabetical order of ``everywhere``: the values of all splits, which so agree. Without ``names``
    a class is called by its number, or True or False; ``between``: those that do not occur, from 0 on, are classes too.
    Raises Refusal for what mixes truth values with numbers, and for names that no class can have."""
    known = {(type(value), value) for value in everywhere if value is not None}  # True is not 1
    kinds = {kind for kind, _ in known}
    for word in (*(value for _, value in known), *(names or ())):
        if isinstance(word, str):
            _fit(word, where)
    if kinds >= {bool, int}:
        raise Refusal(f"{where}: labels are truth values in one place and numbers in another; write them in one way")
    numbers = [int(value) for kind, value in known if kind is not str]
    if (kinds <= {bool} or kinds <= {int}) and (between or names):
        most = max(numbers, default=-1)
        plain = ("False", "True") if kinds == {bool} else map(str, range(min(most, MOST) + 1))
        classes = tuple(map(composed, names or plain))
        if most >= len(classes):
            raise Refusal(
                f"{where}: class number {most}, but {len(classes)} classes are known; expected 0 to {len(classes) - 1}"
            )
        label = [-1 if value is None else int(value) for value in values]
    else:
        classes = tuple(sorted({composed(str(value)) for _, value in known}, key=natural))
        place = {name: i for i, name in enumerate(classes)}
        label = [-1 if value is None else place[composed(str(value))] for value in values]
    return np.array(label, np.int64).reshape(len(values)), classes


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sorting by it puts 2 before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"([0-9]+)", name) if part]


def composed(name: str) -> str:
    """The name as one program and another agree on: letters and their accents in one (NFC)."""
    return unicodedata.normalize("NFC", name)


def _fit(name: str, where: str) -> None:
    if UNFIT.search(name):
        raise Refusal(f"{where}: the class {name!r} holds a control character; rename it")
    if is_nothing(name):
        raise Refusal(
            f"{where}: a class is called {name!r}, which programs write where nothing is known; rename it, or put its "
            "images where those without a class are"
        )
