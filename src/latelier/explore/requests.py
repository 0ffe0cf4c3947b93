"""What a page asks, read from JSON with a sentence for everything that is wrong with it."""

import math
from collections.abc import Mapping
from typing import Any

from latelier.errors import Refusal


class Question:
    """The fields of one request."""

    def __init__(self, fields: object):
        if not isinstance(fields, Mapping):
            raise Refusal("a request is a JSON object, and this is none; reload the page")
        self._fields = fields

    def has(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str, instead: str | None = None) -> str:
        """A string. Raises Refusal for anything else, as all of these do."""
        value = self._fields.get(name, instead)
        if not isinstance(value, str):
            raise _wrong(name, "a text", value)
        return value

    def texts(self, name: str, most: int) -> list[str]:
        values = self._fields.get(name, [])
        if not isinstance(values, list) or len(values) > most or not all(isinstance(value, str) for value in values):
            raise _wrong(name, f"a list of at most {most} texts", values)
        return values

    def number(self, name: str, low: float, high: float, instead: float | None = None) -> float:
        return _number(name, self._fields.get(name, instead), low, high)

    def whole(self, name: str, low: int, high: int, instead: int | None = None) -> int:
        value = self.number(name, low, high, instead)
        if value != int(value):
            raise _wrong(name, f"a whole number from {low} to {high}", value)
        return int(value)

    def numbers(self, name: str, most: int, low: float, high: float) -> dict[str, float]:
        """Numbers by name."""
        values = self._fields.get(name, {})
        if not isinstance(values, Mapping) or len(values) > most:
            raise _wrong(name, f"at most {most} numbers by name", values)
        return {str(key): _number(f"{name} {key}", value, low, high) for key, value in values.items()}


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _wrong(name, f"a number from {low:g} to {high:g}", value)
    return float(value)


def _wrong(name: str, expected: str, value: Any) -> Refusal:
    shown = repr(value) if not isinstance(value, float) or math.isfinite(value) else str(value)
    return Refusal(f'"{name}" takes {expected}, but got {shown[:60]}; reload the page, or mend its address')
