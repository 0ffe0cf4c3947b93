"""What a value means that another program wrote: one reading of labels, of attributes and of captions, whichever of
CSV, JSON, text or Parquet it stands in. docs/values.md has the table.

Text that says a number or a truth value is that number or truth value (a CSV file has nothing but text), as pandas
writes them: ``1.0``, ``True``. What no program can have meant is refused, with its file, row and column.
"""

import ast
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Integral, Real

from latelier.errors import Refusal
from latelier.terminal.say import HALVES

Label = str | int | bool | None  # a word, a class number, a truth value; None = unknown

VERSION = 3  # of what shards hold and values mean: packs keep what was read
UNFIT = re.compile("[\x00-\x1f\x7f-\x9f]")  # control characters: no class is called so, and they garble what is said
NOTHING = {"nan", "-nan", "null", "<na>"}  # in any case: how numpy, JSON and pandas print what is missing,
PYTHON = {"None", "NaT"}  # and Python, in this case: a class may well be called none
R = {"NA", "N/A", "n/a", "#N/A"}  # of an attribute or a caption; a class may be called so
WHOLE = re.compile(r"-?(0|[1-9][0-9]*)(\.0+)?")  # 007 is a word
BROKEN = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+|-?[0-9]+(\.[0-9]+)?e[+-][0-9]+|[+-]?inf(inity)?", re.IGNORECASE)
TRUTH = {"true": True, "false": False}
LARGEST = 1 << 53  # beyond it numbers that have passed through a float are no longer what they were
ESCAPED = r"\\(?:x[0-9a-f]{2}|[ntr\\'])"
PRINTED = re.compile(
    rf"""(?=[ -~]*\Z)(?:b'(?:[^'\\]|{ESCAPED})*'|b"(?:[^"\\]|{ESCAPED})*")"""
)  # bytes as Python prints them
TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEXTS = re.compile(rf"\[\s*(?:{TEXT}[\s,]*)*\]", re.DOTALL)  # as Python, JSON and numpy print a list of texts
LISTED = re.compile(rf"{TEXTS.pattern}|\[[\s0-9.,+-]*\]|\{{\s*(['\"0-9].*)?\}}", re.DOTALL)
SIGNS = "holds 1 and -1 and no 0: -1 was read as no"
SHOWN = 60  # characters of a value in a message
KINDS = {
    "a list": list | tuple | set,
    "a struct": dict,
    "bytes that are no text": bytes,
    "a time": date | time | timedelta,  # a datetime is a date
}


def label(value: object, where: str, column: str = "label") -> Label:
    """A class number, a word, a truth value, or None where nothing is known: null, NaN, blank, -1. ``where`` and
    ``column`` are for the message. Raises Refusal for all else."""
    found = _number(_plain(value, where, column))
    if isinstance(found, bool) or found is None:
        return found
    if isinstance(found, float | int):
        if found == -1:
            return None
        if isinstance(found, float) or not 0 <= found < LARGEST:
            raise _refusal(value, where, column, "a class is a word or a whole number from 0; nothing or -1 is unknown")
        return found
    if UNFIT.search(found):
        raise Refusal(f"{where}, {column}: the class {found[:SHOWN]!r} holds a control character; rename it")
    if LISTED.fullmatch(found):
        raise _refusal(value, where, column, "a list is no class; give one class an image")
    return found


def attribute(value: object, where: str, column: str) -> int | None:
    """1, 0 or -1 as it stands there, True and False as 1 and 0; None where nothing is said. Raises Refusal."""
    found = _number(_plain(value, where, column))
    if found is None or found in R:
        return None
    if isinstance(found, str | float) or found not in (1, 0, -1):
        raise _refusal(value, where, column, "expected 1, 0, True, False, or -1 or nothing where it is not known")
    return int(found)


def attributes(names: Iterable[str], where: object) -> list[str]:
    """What attributes are called. Raises Refusal for a name with control characters."""
    for name in (found := list(names)):
        if UNFIT.search(name):
            raise Refusal(f"{where}: the attribute {name!r} holds a control character; rename it")
    return found


def captions(value: object, where: str, column: str = "caption") -> tuple[str, ...]:
    """The captions that are said: of a text that one, of a list of texts all, of what is missing none. Control
    characters count as spaces. Raises Refusal for numbers, which no caption is, and for all else."""
    if isinstance(value, str) and TEXTS.fullmatch(value.strip()):
        value = [_unquoted(text) for text in re.findall(TEXT, value, re.DOTALL)]
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(text for one in several if (text := _caption(one, where, column)))


def labels(values: Iterable[object], where: Callable[[int], str], column: str = "label") -> list[Label]:
    """``label`` of each; ``where`` says the place of each."""
    return [
        value if type(value) is int and 0 <= value < LARGEST else label(value, where(i), column)
        for i, value in enumerate(values)
    ]


def class_names(values: object, where: str) -> list[str]:
    """A list of names, of classes or of columns. Raises Refusal for anything else, and for a name that says nothing."""
    if not isinstance(values, list):
        raise _refusal(values, where, "names", "expected a list of names")
    found = labels(values, lambda i: f"{where}, name {i + 1}", "a name")
    if None in found:
        i = found.index(None)
        raise _refusal(values[i], f"{where}, name {i + 1}", "a name", "no class is called so")
    named = [str(name) for name in found]
    if twice := [name for name, count in Counter(named).items() if count > 1]:
        raise Refusal(f"{where}: two are called {twice[0]!r}; name them apart")
    return named


def unsaid(values: Iterable[object], found: Iterable[object], what: str) -> tuple[str, ...]:
    """A remark on values that are there and say nothing (-1, nan), so that none is lost in silence. ``found``: what
    each was read as."""
    counts = Counter(
        str(value).strip()
        for value, meaning in zip(values, found, strict=True)
        if (meaning is None or meaning == ()) and not _empty(value)
    )
    if not counts:
        return ()
    listed = ", ".join(f"{word[:SHOWN]} ({count:,})" for word, count in counts.most_common(3))
    values = "1 value says" if counts.total() == 1 else f"{counts.total():,} values say"
    return (f"{what}: {values} nothing and {'was' if counts.total() == 1 else 'were'} read so: {listed}",)


def is_nothing(word: str) -> bool:
    """Whether a word is what programs print where a value is missing."""
    return not word or word.casefold() in NOTHING or word in PYTHON


def signs(everywhere: Iterable[int | None]) -> bool:
    """Whether 1 and -1 stand for yes and no, as CelebA has it: where both occur and 0 does not."""
    seen = set(everywhere)
    return {1, -1} <= seen and 0 not in seen


def stated(values: Iterable[int | None]) -> list[int | None]:
    """What ``attribute`` read, with None where that says nothing."""
    return [None if value == -1 else value for value in values]


def known(value: int | None, signs: bool) -> int:
    """What ``attribute`` read as 1, 0 or -1 = unknown."""
    return -1 if value is None else 0 if signs and value == -1 else value


def _empty(value: object) -> bool:
    """Whether a place is empty; NaN differs from itself."""
    return value is None or value != value or str(value).strip() in ("", "[]", "b''")


def _plain(value: object, where: str, column: str) -> str | bool | int | float | None:
    """Nothing, a truth value, a number or a text. Raises Refusal for anything else."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return None if value.is_nan() else int(value) if value.is_finite() and value == int(value) else float(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return None if number != number else int(number) if number.is_integer() and abs(number) < LARGEST else number
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise _refusal(value, where, column, "expected text in UTF-8") from None
    if not isinstance(value, str):
        raise _refusal(value, where, column, "expected a word, a number, a truth value or nothing")
    word = unicodedata.normalize("NFC", unprinted(value.strip()).strip())
    if HALVES.search(word):
        raise _refusal(value, where, column, "this is not UTF-8; save the file in UTF-8")
    return None if is_nothing(word) else word


def _number(value: str | bool | int | float | None) -> str | bool | int | float | None:
    """The same, of a text that says a number or a truth value the number or truth value."""
    if not isinstance(value, str):
        return value
    if WHOLE.fullmatch(value):
        return int(value.partition(".")[0]) if len(value) < SHOWN else float(value)
    if BROKEN.fullmatch(value):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < LARGEST else number
    return TRUTH.get(value.lower(), value)


def _caption(value: object, where: str, column: str) -> str:
    found = _plain(value, where, column)
    if found is None or found in R:
        return ""
    if not isinstance(found, str):
        raise _refusal(value, where, column, "a caption is text, and this is none")
    return UNFIT.sub(" ", found).strip()


def unprinted(word: str) -> str:
    """The text of printed bytes (b'cat'), which some published lists carry; bytes that are not UTF-8 as halves of
    surrogate pairs. Any other word as it is."""
    return ast.literal_eval(word).decode(errors="surrogateescape") if PRINTED.fullmatch(word) else word


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: " " if found[1] in "ntr" else found[1], text[1:-1], flags=re.DOTALL)


def _refusal(value: object, where: str, column: str, expected: str) -> Refusal:
    kind = next((f"{name}, " for name, kinds in KINDS.items() if isinstance(value, kinds)), "")
    shown = (
        repr(value) if not isinstance(value, list | dict | tuple) or len(value) < SHOWN else f"of {len(value)} values"
    )
    return Refusal(f"{where}: {kind}{shown[:SHOWN]} for {column}; {expected}")
