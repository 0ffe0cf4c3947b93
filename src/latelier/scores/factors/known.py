"""Codes beside the known factors of their images, and how well levels are predicted."""

from typing import NamedTuple

import numpy as np


class Known(NamedTuple):
    """Row i of both is image i: a row is an image and a column a latent dimension, or a factor."""

    codes: np.ndarray  # float [n, d]
    levels: np.ndarray  # int64 [n, f], from 0 up


def skill(answer: np.ndarray, level: np.ndarray) -> float:
    """How much of ``level`` [n] the ``answer`` [n] predicts: balanced accuracy, put on a scale from chance, 0, to 1.

    The mean share of right answers over the K levels that occur, less 1 / K, over 1 - 1 / K; never under 0.
    """
    right = answer == level
    accuracy = np.mean([right[level == number].mean() for number in np.unique(level)])
    chance = 1 / len(np.unique(level))
    return max(0.0, float((accuracy - chance) / (1 - chance)))
