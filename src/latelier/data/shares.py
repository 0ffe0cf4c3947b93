"""How common each class is, as a user knows or guesses it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latelier.core import Refusal
from latelier.data.tables import Table
from latelier.places import place


def class_shares(prior: str, classes: Sequence[str], label: np.ndarray) -> np.ndarray | None:
    """float64 [classes] that sum to 1; none for "even", where nothing is known.

    ``prior`` is "even"; "labels", the shares among the known labels [n] (-1 = unknown); or a CSV file with the columns
    class and share, a row for each class, whose shares may be counts. Raises Refusal for what is none of these."""
    if prior == "even":
        return None
    if prior == "labels":
        found = np.bincount(label[label >= 0], minlength=len(classes)).astype(np.float64)
    elif (path := place(prior, "prior")).is_file():
        found = _read(path, classes)
    else:
        raise Refusal(
            f"prior {prior}: expected even, labels or a CSV file with the columns class,share; there is no such file"
        )
    if not found.sum() > 0:
        raise Refusal(f"prior {prior}: no class has a share above 0; give one, or prior=even")
    shares: np.ndarray = found / found.sum()
    return shares


def _read(path: Path, classes: Sequence[str]) -> np.ndarray:
    table = Table(path, ("class", "share"))
    said = dict(zip(table.column("class"), table.column("share"), strict=True))
    if said.keys() != set(classes) or len(table.lines) != len(classes):
        raise Refusal(f"{path}: expected one row for each of the classes {', '.join(classes)}, not {', '.join(said)}")
    try:
        found = np.array([float(said[name]) for name in classes])
    except ValueError as error:
        raise Refusal(f"{path}: a share is a number, but {error}") from error
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise Refusal(f"{path}: a share is a number of at least 0, but there are {', '.join(said.values())}")
    return found
