"""Nearest rows, by scikit-learn; and the vote of their labels, by products in float32: a third of the time of
scikit-learn's, which takes them in float64."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch

BLOCK = 1_000  # rows asked about at once
HELD = 100_000  # rows in one index, where more come block by block


def nearest(known: np.ndarray, label: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The commonest label [n], of equals the least, among the ``count`` rows of ``known`` [m, d] with labels [m] that
    are nearest to each of ``rows`` [n, d] by Euclidean distance; of equally near ones, any."""
    known = known - (centre := known.mean(0, dtype=np.float64).astype(np.float32))  # small numbers lose fewer digits
    classes, number = np.unique(label, return_inverse=True)
    half, owner = np.square(known).sum(1) / 2, torch.from_numpy(number)
    votes = torch.empty(len(rows), dtype=torch.int64)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] - centre
        closeness = torch.from_numpy(block @ known.T - half)  # what is left of the distance is one for the whole row
        chosen = owner[closeness.topk(count, dim=1).indices]
        tally = torch.zeros(len(block), len(classes)).scatter_add_(1, chosen, torch.ones(chosen.shape))
        votes[start : start + len(block)] = tally.argmax(1)
    answer: np.ndarray = classes[votes.numpy()]
    return answer


class Nearest:
    """An index of rows ``known`` [m, d]. A tree answers in few dimensions and a comparison with all in many, block by
    block: of 10^6 x 32 it takes less than reading the images took, so that no approximate index pays."""

    def __init__(self, known: np.ndarray):
        from sklearn.neighbors import NearestNeighbors

        self.centre = known.mean(0, dtype=np.float64).astype(np.float32)  # small numbers lose fewer digits
        self.known = known - self.centre
        self.index = NearestNeighbors().fit(self.known)

    def of(self, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` known rows, or all of fewer, that are nearest to each of ``rows`` [n, d]: their places, int64
        [n, k], and Euclidean distances, float64 [n, k], nearest first, of equally near ones the first first."""
        rows, count = rows - self.centre, min(count, len(self.known))
        places, distances = [], []
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            found = self.index.kneighbors(block, count, return_distance=False)
            # Once more, of these alone: the difference of two large numbers has few digits.
            away = np.linalg.norm(self.known[found].astype(np.float64) - block[:, None], axis=2)
            place, far = ordered(found, away, count)
            places.append(place)
            distances.append(far)
        return np.concatenate(places), np.concatenate(distances)


def nearest_among(blocks: Iterable[np.ndarray], rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """As ``Nearest(known).of(rows, count)`` for ``known`` in blocks, of which about ``HELD`` are held at a time."""
    place, away, start = np.empty((len(rows), 0), np.int64), np.empty((len(rows), 0)), 0
    for block in _joined(blocks):
        near, far = Nearest(block).of(rows, count)
        place, away = ordered(np.concatenate([place, near + start], 1), np.concatenate([away, far], 1), count)
        start += len(block)
    return place, away


def _joined(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks one after another as one, up to ``HELD`` rows and a block."""
    held = list[np.ndarray]()
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= HELD:
            yield np.concatenate(held)
            held.clear()
    if held:
        yield np.concatenate(held)


def ordered(places: np.ndarray, away: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first ``count`` columns of both [n, m], nearest first, of equally near ones the lowest place first."""
    order = np.lexsort((places, away), axis=1)[:, :count]
    return np.take_along_axis(places, order, 1), np.take_along_axis(away, order, 1)
