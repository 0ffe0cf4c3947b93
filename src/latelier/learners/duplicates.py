"""Pairs of images that are nearly the same: nearest neighbours in the codes."""

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from latelier.slices import Slices

PAIRS = 1 << 22  # distances in a slice


def closest(codes: np.ndarray) -> Slices[tuple[np.ndarray, np.ndarray]]:
    """For each row of codes [n, d] its nearest other, int64 [n], and how far that is as a share of the median over all
    rows, float64 [n]: 0 are equal codes. Seconds grow with n^2 d: 20,000 x 32 in about two of one core."""
    count = len(codes)
    rows = torch.from_numpy(codes - codes.mean(0, dtype=np.float64).astype(np.float32))
    half = rows.square().sum(1) / 2
    near, square = torch.zeros(count, dtype=torch.int64), torch.full((count,), torch.inf)
    step = max(1, PAIRS // max(count, 1))
    for start in range(0, count if count > 1 else 0, step):
        block = rows[start : start + step]
        away = half - block @ rows.T
        away[torch.arange(len(block)), start + torch.arange(len(block))] = torch.inf
        near[start : start + step] = away.argmin(1)
        # Once more, of the pair alone: the difference of two large numbers has few digits.
        square[start : start + step] = (block - rows[near[start : start + step]]).square().sum(1)
        yield min(1.0, (start + step) / count)
    distance = square.double().sqrt().numpy()
    typical = float(np.median(distance[np.isfinite(distance)])) if count > 1 else 0.0
    return near.numpy(), distance / typical if typical > 0 else np.where(np.isfinite(distance), 0.0, np.inf)


def pairs(near: np.ndarray, distance: np.ndarray, most: float) -> list[tuple[int, int, float]]:
    """(row, other, distance) of ``closest``'s pairs that are at most so far apart, nearest first and each once."""
    found = dict[tuple[int, int], float]()
    for row in np.argsort(distance, kind="stable"):
        if not distance[row] <= most:
            break
        low, high = sorted((int(row), int(near[row])))
        found.setdefault((low, high), float(distance[row]))
    return [(low, high, away) for (low, high), away in found.items()]


def groups(found: list[tuple[int, int, float]]) -> list[list[int]]:
    """Rows that ``pairs`` join, directly or by others between them: the largest group first, rows ascending."""
    if not found:
        return []
    low, high = np.array([(one, other) for one, other, _ in found]).T
    rows, place = np.unique(np.concatenate([low, high]), return_inverse=True)
    ends = place[: len(low)], place[len(low) :]
    _, member = connected_components(coo_array((np.ones(len(low)), ends), (len(rows), len(rows))), directed=False)
    parts = [rows[member == number].tolist() for number in range(member.max() + 1)]
    return sorted(parts, key=lambda part: (-len(part), part[0]))
