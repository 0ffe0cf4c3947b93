"""What rules give."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One sentence of a verdict on a run."""

    level: Literal["good", "note", "warning", "failure"]
    text: str
