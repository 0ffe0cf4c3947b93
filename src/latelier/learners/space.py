"""Spaces that learners look at: rows scaled by one number, and their principal components."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

COMPONENTS = 50  # of the PCA that stands beside a probe or a classifier, at most


def scaling(known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """How rows of the space of ``known`` [n, d] are centred on its mean and divided by one number, its columns' mean
    spread.

    One scale for all columns keeps a space's geometry. A scale for each would blow up dead latents and the pixels of an
    empty rim to the size of everything else: it cost raw digits 2-6 points and PCA 10-20, and flattered the codes."""
    centre, scale = known.mean(0), float(np.sqrt(known.var(0).mean())) or 1.0
    return lambda rows: (rows - centre) / scale


def principal(rows: np.ndarray, most: int = COMPONENTS) -> "PCA":
    """The first principal components of rows [n, d], as many as there are up to ``most``; the same for the same
    rows."""
    from sklearn.decomposition import PCA

    return PCA(min(most, *rows.shape), random_state=0).fit(rows)
