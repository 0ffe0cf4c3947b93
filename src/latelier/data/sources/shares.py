"""How common each class is, as a user knows or guesses it."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latelier.data.foreign import label
from latelier.data.sources.table import Table
from latelier.errors import Refusal
from latelier.storage.paths import place


def class_shares(prior: str, classes: Sequence[str], label: np.ndarray) -> np.ndarray | None:
    """float64 [classes] that sum to 1; none for "even", where nothing is known.

    ``prior`` is "even"; "labels", the shares among the known labels [n] (-1 = unknown); or a CSV file with the columns
    class and share, a row for each class, whose shares may be counts. Raises Refusal for anything else."""
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
    table = Table(path, ("class", "share"), in_bytes=("class",))
    shares = [cell.strip() for cell in table.column("share")]
    words = [_class(cell.strip(), classes, table.where(i)) for i, cell in enumerate(table.column("class"))]
    if set(words) != set(classes) or len(words) != len(classes):
        raise Refusal(f"{path}: expected one row for each of the classes {', '.join(classes)}, not {', '.join(words)}")
    found = {word: _share(i, shares, table.where(i)) for i, word in enumerate(words)}
    return np.array([found[name] for name in classes])


def _class(word: str, classes: Sequence[str], where: str) -> str:
    """The class as it is called, or what it is called elsewhere if another program wrote it (1.0)."""
    if word in classes:
        return word
    found = label(word, where, "class")
    return "nothing" if found is None else str(found)


def _share(i: int, shares: Sequence[str], where: str) -> float:
    try:
        found = float(shares[i].replace("_", "?"))  # which Python would read over
    except ValueError as error:
        raise Refusal(f"{where}: a share is a number, but {error}") from error
    if not 0 <= found < math.inf:
        raise Refusal(f"{where}: a share is a number of at least 0, but there are {', '.join(shares)}")
    return found
