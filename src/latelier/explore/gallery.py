"""Images as panels list them: an id, what people call it, and what is known or guessed of its class."""

from typing import Any

from latelier.explore.opened_run import OpenedRun


def entry(opened: OpenedRun, row: int) -> dict[str, Any]:
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
