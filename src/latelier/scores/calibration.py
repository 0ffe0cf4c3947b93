"""Whether probabilities of classes can be taken at their word, and a temperature that mends them (Guo et al. 2017, "On
calibration of modern neural networks", ICML).

Among images that are predicted with 80 % confidence, 80 % should be right. Probabilities are float [n, classes] with
rows that sum to 1, labels int [n] class numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

BINS = 15
BOUNDS = (0.05, 20.0)  # of a temperature: beyond them it says that images were too few, or the net is broken
LEAST = 1e-38  # probability; what a softmax in float32 has rounded to 0


def expected_calibration_error(probability: np.ndarray, label: np.ndarray, bins: int = BINS) -> float:
    """In [0, 1]: the gap between mean confidence (the largest probability) and accuracy in ``bins`` equal-width bins of
    the confidence, ((m - 1) / bins, m / bins], weighted by their images (their eq. 3). 0 of no images."""
    return Bins(bins).add(probability, label).error()


def error_by_chance(probability: np.ndarray, bins: int = BINS) -> float:
    """The expected calibration error that as many images would show on average if the probabilities were right, by
    the normal approximation in each bin: with few images it is far from 0."""
    return Bins(bins).add(probability, np.zeros(len(probability), np.int64)).by_chance()


class Bins:
    """What both errors are taken from: sums over images, so that these can come block by block."""

    def __init__(self, bins: int = BINS):
        self.images, self.excess, self.variance = 0, np.zeros(bins), np.zeros(bins)

    def add(self, probability: np.ndarray, label: np.ndarray) -> "Bins":
        """Counts these images too."""
        confidence, number = _binned(probability, bins := len(self.excess))
        self.images += len(label)
        self.excess += np.bincount(number, confidence - (probability.argmax(1) == label), bins)
        self.variance += np.bincount(number, confidence * (1 - confidence), bins)
        return self

    def take(self, other: "Bins") -> None:
        """Counts the images of others too."""
        self.images += other.images
        self.excess += other.excess
        self.variance += other.variance

    def error(self) -> float:
        """``expected_calibration_error``."""
        return float(np.abs(self.excess).sum() / max(1, self.images))

    def by_chance(self) -> float:
        """``error_by_chance``."""
        return float(np.sqrt(2 / np.pi * self.variance).sum() / max(1, self.images))

    def state(self) -> dict[str, Any]:
        """For JSON."""
        return {"images": self.images, "excess": self.excess.tolist(), "variance": self.variance.tolist()}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Bins":
        """What ``state`` gave."""
        found = cls()
        found.images = state["images"]
        found.excess, found.variance = np.array(state["excess"]), np.array(state["variance"])
        return found


def fit_temperature(probability: np.ndarray, label: np.ndarray) -> float:
    """The temperature within ``BOUNDS`` at which the labels have the greatest likelihood; above 1 where probabilities
    are too sure of themselves."""
    from scipy.optimize import minimize_scalar

    logit, rows = _logit(probability), np.arange(len(label))

    def loss(log_temperature: float) -> float:
        scaled = logit * np.exp(-log_temperature)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[rows, label]).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(BOUNDS)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def tempered(probability: np.ndarray, temperature: float) -> np.ndarray:
    """float32 [n, classes]: softmax(logits / temperature), as logits and log-probabilities differ by a number a row
    alone. The order of the classes stays; 1 changes nothing."""
    scaled = np.exp(_logit(probability) / temperature)
    found: np.ndarray = (scaled / scaled.sum(1, keepdims=True)).astype(np.float32)
    return found


def _logit(probability: np.ndarray) -> np.ndarray:
    """Log-probabilities, float64, the largest of each row 0."""
    logit = np.log(np.maximum(probability.astype(np.float64), LEAST))
    found: np.ndarray = logit - logit.max(1, keepdims=True)
    return found


def _binned(probability: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences [n] and the number of each one's bin."""
    confidence = probability.max(1).astype(np.float64).clip(0, 1)  # rounding may leave it above 1
    return confidence, np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
