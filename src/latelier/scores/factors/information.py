"""The mutual information gap: whether one latent, and no second one, knows a factor."""

import numpy as np

BINS = 20


def mig(codes: np.ndarray, levels: np.ndarray, bins: int = BINS) -> float:
    """Mean over factors of (largest - second largest mutual information with a latent) / entropy of the factor.

    Codes [n, d] and levels [n, f] give Chen et al. 2018, equation 6. Where there is one latent, the second largest is
    0. A latent that determines a factor exactly, and alone, needs no more than ``bins`` levels to score 1.
    """
    known = information(codes, levels, bins)
    ranked = np.sort(np.pad(known, ((1, 0), (0, 0))), axis=0)[::-1]
    entropy = np.array([mutual(level, level) for level in levels.T])
    return float(((ranked[0] - ranked[1]) / entropy).mean())


def information(codes: np.ndarray, levels: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Mutual information of each latent, discretised, with each factor, in nats: [d, f]."""
    return np.array([[mutual(binned, level) for level in levels.T] for binned in discretised(codes, bins).T])


def discretised(codes: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each number among ``bins`` equal parts of its latent's range: int64 [n, d]."""
    low, high = codes.min(0), codes.max(0)
    share = (codes - low) / np.where(high > low, high - low, 1)
    binned: np.ndarray = np.minimum(bins * share, bins - 1).astype(np.int64)
    return binned


def mutual(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information of two columns of whole numbers from 0 up, in nats; of a column with itself, its entropy."""
    width = int(b.max()) + 1
    joint = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width) / len(a)
    apart = joint.sum(1, keepdims=True) * joint.sum(0)
    seen = joint > 0
    return max(0.0, float((joint[seen] * np.log(joint[seen] / apart[seen])).sum()))
