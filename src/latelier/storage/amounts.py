"""Numbers with a unit, as people write them."""

import re
from collections.abc import Mapping

SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def amount(text: str, units: Mapping[str, int]) -> int | None:
    """What a whole number with one of the units (in either case, with a B behind it or not) is worth; None for another
    text."""
    found = re.fullmatch(r"(\d{1,12})([a-zA-Z]?)B?", text.strip())
    worths = (worth for unit, worth in units.items() if found and found[2].lower() == unit.lower())
    return int(found[1]) * worth if found and (worth := next(worths, 0)) else None
