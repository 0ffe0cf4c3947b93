"""Images as panels list them: an id, what people call it, and what is known or guessed of its class."""

from typing import Any

from latelier.explore.opened_run import OpenedRun, Unknown


def told(opened: OpenedRun, row: int) -> dict[str, Any]:
    """Of one image of the data. ``name`` is its file's, ``given`` the class that a person has given it on the page,
    ``guess`` what the light classifier says after those labels, with its ``confidence``."""
    found: dict[str, Any] = {"id": f"d{row}", "caption": opened.caption(f"d{row}"), "name": opened.file_name(row)}
    if (learned := opened.light.known()) is None:
        return found
    if learned.number[row] >= 0:
        found["given"] = learned.classes[learned.number[row]]
    if learned.predicted[row] >= 0:
        found |= {"guess": learned.classes[learned.predicted[row]], "confidence": float(learned.confidence[row])}
    return found


def row_of(opened: OpenedRun, picture: str) -> int:
    """The row of an image of the data. Raises Unknown for any other id."""
    if not (picture.startswith("d") and picture[1:].isascii() and picture[1:].isdecimal() and len(picture) < 12):
        raise Unknown(f'"{picture[:40]}" is no image of the data')
    row = int(picture[1:])
    if row >= len(opened.shown):
        raise Unknown(f"there is no image {row}: {opened.shown.source} has {len(opened.shown):,}")
    return row
