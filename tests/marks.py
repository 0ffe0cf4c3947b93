"""Marks of tests that are tried with several values."""

from collections.abc import Iterable
from typing import Any

import pytest


def but_slow(values: Iterable[Any], *slow: Any) -> list[Any]:
    """For ``parametrize``: all values, of which these are left to the slow tests."""
    return [pytest.param(value, marks=pytest.mark.slow) if value in slow else value for value in values]
