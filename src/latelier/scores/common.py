"""What scores share: the two splits, the spaces that they measure in, and accuracies."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from latelier.codes.directions import Found
from latelier.codes.rows import codes, features, pixels
from latelier.core import Features, Model, has
from latelier.data.factors import known_factors
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.scores.confusion import balanced_accuracy, uneven


class Splits(NamedTuple):
    """The images of a score."""

    fit: Images  # what probes may learn from: the training split
    test: Images  # what is measured
    seen: bool = False  # whether the model saw the test images in training
    doubtful: bool = False  # whether it may have seen some of them, for all that is known
    found: Found | None = None  # where the run's attributes lie in its code; none: to be fitted on ``fit``

    labels_learned: int = 0  # labels that the model learned from
    labelled_rows: np.ndarray | None = None  # rows of ``fit`` whose labels these were; none: other images', or unknown
    learned_rows: np.ndarray | None = None  # rows of ``fit`` that the model learned from, where --images asked for some

    @property
    def own(self) -> Images:
        """Of the images to fit on those alone that the model learned from, where that is known and any are there."""
        return self.fit if self.learned_rows is None or not len(self.learned_rows) else self.fit.take(self.learned_rows)


def rows_at(score: str, model: Model, images: Images, depth: str | None) -> np.ndarray:
    """Codes, features at ``depth`` or pixels (depth "pixels"), float32 [n, d], for the score of that name. Raises
    Refusal for an unknown depth."""
    if depth is None:
        return codes(model, images)
    if depth == "pixels":
        return pixels(images)
    if not has(model, Features):
        raise Refusal(f"{score}: this model has no features, so no depth '{depth}'; leave the depth out")
    return features(model, images, depth)


def space(score: str, model: Model, data: Splits, depth: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Both splits in the space of codes, of features at ``depth`` or of pixels (depth "pixels"), float32 [n, d],
    centred on the first and scaled by one number to a mean squared norm of 1. Raises Refusal for an unknown depth."""
    known, measured = (rows_at(score, model, images, depth) for images in (data.fit, data.test))
    centre = known.mean(0)
    norm = np.float32(np.linalg.norm(known - centre) / len(known) ** 0.5) or np.float32(1)
    return (known - centre) / norm, (measured - centre) / norm


def factors_of(data: Splits) -> tuple[str, ...]:
    """Names of the factors that are known of every image and vary, in both splits; empty where there are none."""
    try:
        fit, test = known_factors(data.fit)[0], known_factors(data.test)[0]
    except Refusal:
        return ()
    return tuple(name for name in test if name in fit)


def majority(label: np.ndarray) -> float:
    """The share of the commonest class among those labelled, in percent: what naming it always gets right."""
    counts = np.unique(label[label >= 0], return_counts=True)[1]
    return 100 * float(counts.max() / counts.sum()) if len(counts) else 0.0


def constant(label: np.ndarray) -> dict[str, float]:
    """``accuracies`` of always answering the commonest class of these labels, all of which are known, as "majority"."""
    common = np.bincount(label).argmax()
    return {f"{name} %": value for name, value in accuracies("majority", np.full(len(label), common), label).items()}


def accuracies(name: str, answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """In percent: the share of answers [n] that are right, by its name, and "balanced NAME", its mean over the classes,
    where a class of the truth [n] has over 1.5 times the images of another."""
    values = {name: 100 * float((answer == truth).mean())}
    if uneven(truth):
        values[f"balanced {name}"] = 100 * balanced_accuracy(truth, answer)
    return values


def even(values: Mapping[str, float]) -> str:
    """The word before the names of accuracies that are judged: "balanced", means over the classes, where one of these
    has over 1.5 times the images of another, since probes learn from as many labels of each."""
    return "balanced " if "balanced majority %" in values else ""


def errors(name: str, answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What ``accuracies`` leave to 100."""
    return {key: 100 - value for key, value in accuracies(name, answer, truth).items()}


def spread(name: str, values: list[float]) -> dict[str, float]:
    """The mean by its name, and "NAME sd" where there are several."""
    mean = {name: float(np.mean(values))}
    return mean | ({f"{name} sd": float(np.std(values, ddof=1))} if len(values) > 1 else {})


def averaged(space: str, budget: str, drawn: list[dict[str, float]]) -> dict[str, float]:
    """Of each method over the draws of labels, and the sd, by "METHOD SPACE BUDGET %"."""
    means = [spread(f"{method} {space} {budget} %", [one[method] for one in drawn]) for method in drawn[0]]
    return {name: value for mean in means for name, value in mean.items()}
