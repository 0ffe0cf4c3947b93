"""Which class is taken for which, and accuracies where classes are uneven."""

from typing import NamedTuple

import numpy as np

UNEVEN = 1.5  # times as many images as the smallest class has: from there on accuracy alone misleads


class Confused(NamedTuple):
    """Images of one class that are taken for another."""

    truth: int
    answer: int
    images: int
    share: float  # of the images of the true class


def confusion(truth: np.ndarray, answer: np.ndarray, classes: int) -> np.ndarray:
    """int64 [classes, classes]: images by their class (row) and by the answer (column), of class numbers [n]."""
    counts = np.bincount(truth * classes + answer, minlength=classes**2)
    return counts.reshape(classes, classes)


def most_confused(counts: np.ndarray, most: int) -> list[Confused]:
    """The pairs of different classes that are confused most often, at most ``most`` of them, from a table of
    ``confusion``; ties by number."""
    wrong = counts * (1 - np.eye(len(counts), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(int(place) // len(counts), int(place) % len(counts)) for place in order]
    return [
        Confused(row, column, int(counts[row, column]), float(counts[row, column] / counts[row].sum()))
        for row, column in pairs
        if wrong[row, column]
    ]


def uneven(truth: np.ndarray) -> bool:
    """Whether one of the classes that occur has over ``UNEVEN`` times the images of another."""
    counts = np.unique(truth, return_counts=True)[1]
    return bool(counts.max() > UNEVEN * counts.min())


def balanced_accuracy(truth: np.ndarray, answer: np.ndarray) -> float:
    """In [0, 1]: the mean over the classes that occur of the share of their images that is right."""
    right = truth == answer
    return float(np.mean([right[truth == number].mean() for number in np.unique(truth)]))
