"""A light classifier on the codes of one run, learned anew from the labels that people give on the page."""

import time
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from latelier.errors import Refusal
from latelier.explore.codes import Codes, WaitingError
from latelier.explore.label_book import LabelBook
from latelier.explore.label_files import Notes
from latelier.learners.suggestion import Suggestion, cross_validated, light, suggest

COUNTS = (5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 2_000, 5_000)  # labels of the curve
BUDGET = 0.1  # s that one answer may spend on points of the curve
TESTED = 2_000  # images with known classes that accuracy is measured on
FEWEST = 10  # labels drawn at random, from which on accuracy is measured on them alone


class Learned(NamedTuple):
    """What the classifier says of all images after some labels."""

    classes: list[str]
    number: np.ndarray  # int64 [n]: the class that people gave, or -1
    predicted: np.ndarray  # int64 [n], or -1: nothing has been learned, or the image has no code here
    confidence: np.ndarray  # float32 [n] in [0, 1]


class Curve(NamedTuple):
    """Accuracy over labels."""

    points: list[tuple[int, float]]  # (labels, share that is right)
    said: str  # what it is measured on
    chance: float  # share of the largest class among what it is measured on
    more: bool  # points are still to come: ask again


class Light:
    """Follows a label book. Raises WaitingError, as ``Codes.rows`` does, until there are codes."""

    def __init__(self, codes: Codes, book: LabelBook, truth: list[str]):
        self._codes, self._book, self._truth = codes, book, truth
        self._order = np.random.default_rng(0).permutation(len(truth))
        self._learned: tuple[int, Learned] | None = None
        self._points: dict[str, float | None] = {}

    def learned(self) -> Learned:
        """Of the labels as they are now."""
        if self._learned is None or self._learned[0] != self._book.revision:  # asked for each image that is listed
            number, classes, revision = self._book.numbers()
            rows, picked = self._codes.rows(), self._codes.picked
            predicted, confidence = np.full(len(number), -1, np.int64), np.zeros(len(number), np.float32)
            if (number[picked] >= 0).any():
                probability = light(rows, number[picked], len(classes))
                predicted[picked], confidence[picked] = probability.argmax(1), probability.max(1)
            self._learned = revision, Learned(classes, number, predicted, confidence)
        return self._learned[1]

    def known(self) -> Learned | None:
        """The same, or None where there are no codes, or not yet."""
        try:
            return self.learned()
        except (WaitingError, Refusal):
            return None

    def next(self, count: int, kind: str, seed: int, skip: np.ndarray) -> list[Suggestion]:
        """``count`` rows of the images to label next, as ``suggest`` chooses them; none of ``skip``."""
        rows, picked = self._codes.rows(), self._codes.picked
        number = self._book.numbers()[0][picked]
        left = np.flatnonzero(np.isin(picked, skip))
        found = suggest(rows, number, count, seed=seed, kind=kind, skip=left)  # type: ignore[arg-type]
        return [one._replace(row=int(picked[one.row])) for one in found]

    def curve(self) -> Curve:
        """Accuracy after the first 5, 10, ... labels in the order in which they were given, and after all."""
        notes = self._book.notes()[0]
        measure = self._measure(notes)
        given = list(notes.label.items())
        counts = [*(count for count in COUNTS if count < len(given)), *([len(given)] if given else [])]
        points, more, begun = list[tuple[int, float]](), False, time.monotonic()
        for count in reversed(counts):  # the newest first: it is looked at
            key = sha256(repr((measure.said, given[:count])).encode(errors="surrogateescape")).hexdigest()
            if key not in self._points:
                if time.monotonic() - begun > BUDGET:
                    more = True
                    continue
                self._points[key] = measure.of(given[:count])
            if (value := self._points[key]) is not None:
                points.append((count, value))
        return Curve(points[::-1], measure.said, measure.chance, more)

    def _measure(self, notes: Notes) -> "_Measure":
        rows, picked = self._codes.rows(), self._codes.picked
        place = {int(row): at for at, row in enumerate(picked)}
        if self._truth and {*notes.label.values()} <= {*self._truth}:
            tested = [row for row in self._order.tolist() if row in place and row not in notes.label][:TESTED]
            said = f"{len(tested):,} images that you have not labelled and whose classes the data has"
            return _Measure(rows, place, notes, [(row, self._truth[row]) for row in tested], said)
        drawn = [row for row in notes.label if notes.why.get(row) == "random"]
        if len(drawn) >= FEWEST:
            return _Measure(
                rows, place, notes, None, "the images that were drawn at random, by cross-validation", drawn
            )
        return _Measure(rows, place, notes, None, "your labels, by cross-validation", list(notes.label))


class _Measure:
    """How accuracy is measured at one revision."""

    def __init__(
        self,
        codes: np.ndarray,
        place: dict[int, int],
        notes: Notes,
        truth: list[tuple[int, str]] | None,
        said: str,
        tested: list[int] | None = None,
    ):
        self.said, self._codes, self._place, self._truth, self._tested = said, codes, place, truth, tested
        self._number = {name: at for at, name in enumerate(notes.classes)}
        names = [name for _, name in truth] if truth is not None else [notes.label[row] for row in tested or ()]
        self.chance = max(np.unique(names, return_counts=True)[1]) / len(names) if names else 0.0

    def of(self, given: list[tuple[int, str]]) -> float | None:
        """The share that is right after these labels; None where it cannot be measured."""
        label = np.full(len(self._codes), -1, np.int64)
        for row, name in given:
            if row in self._place:
                label[self._place[row]] = self._number[name]
        if self._truth is None:
            rows = [self._place[row] for row in self._tested or () if row in self._place]
            return cross_validated(self._codes, label, rows)
        known = np.flatnonzero(label >= 0)
        tested = np.array([self._place[row] for row, _ in self._truth], np.int64)
        if not len(known) or not len(tested):
            return None
        both = np.concatenate([known, tested])
        answer = light(
            self._codes[both], np.where(np.arange(len(both)) < len(known), label[both], -1), len(self._number)
        )
        truth = np.array([self._number.get(name, -1) for _, name in self._truth])
        return float((answer[len(known) :].argmax(1) == truth).mean())
