"""What known classes say of the answers of a classifier, as text for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from latelier.data.images import Images
from latelier.rules.labels import left_open
from latelier.runs.learned import labels_learned
from latelier.runs.run import Run
from latelier.scores.calibration import BINS, Bins
from latelier.scores.common import majority
from latelier.scores.confusion import balanced_accuracy, confusion, most_confused, uneven
from latelier.terminal.tables import percent, table

WHOLE = 12  # classes of which a terminal has room for the whole table
PAIRS = 10  # pairs at most
WIDTH, NAME = 100, 30  # characters of the table, and of a name in it


class Judged(NamedTuple):
    """The images that the figures are of."""

    rows: np.ndarray  # int64, sorted
    kind: str  # what they are, after "of the 90"
    note: str  # what else there is to say, or ""


def judged(run: Run, images: Images) -> Judged:
    """Images of known class whose label the run has not learned from; all of known class where there are no others,
    or where it cannot be measured."""
    known, data = images.label >= 0, run.config.get("data", {})
    rows, kind = np.flatnonzero(known), "with a known class"
    if images.fingerprint != data.get("fingerprint"):
        grown = images.source == data.get("source") and data.get("labelled", 0) > 0
        said = "these images or their labels are not quite those that the run was trained on: some of the labels"
        return Judged(rows, kind, f"{said} it has learned, so that figures flatter it" if grown else "")
    learned = labels_learned(run.model, run.config, images)
    others = np.flatnonzero(known & ~learned)
    if not learned.any():
        return Judged(rows, kind, "")
    if not len(others):
        return Judged(rows, kind, "the run has learned all of these labels: figures say nothing of other images")
    said = f"not counted: {int(learned.sum()):,} images whose labels the run has learned"
    return Judged(others, "whose class is known and not learned", said)


class Answers:
    """Answers beside the truth, counted block by block: confusion, and what calibration goes by."""

    def __init__(self, classes: int):
        self.counts = np.zeros((classes, classes), np.int64)  # images by class (row) and answer (column)
        self.raw, self.mended = Bins(), Bins()

    def add(self, truth: np.ndarray, raw: np.ndarray, mended: np.ndarray) -> None:
        """Counts images of these classes, by probabilities [n, classes] as the model gives them and as a temperature
        has mended them (the same where there is none)."""
        self.counts += confusion(truth, raw.argmax(1), len(self.counts))
        self.raw.add(raw, truth)
        self.mended.add(mended, truth)

    def each(self) -> tuple[np.ndarray, np.ndarray]:
        """Class and answer of every image, in no order of theirs."""
        n, classes = self.counts.ravel(), len(self.counts)
        places = np.repeat(np.arange(n.size), n)
        return places // classes, places % classes

    def state(self) -> dict[str, Any]:
        """For JSON."""
        places = np.flatnonzero(self.counts)
        counted = {"places": places.tolist(), "counts": self.counts.ravel()[places].tolist()}
        return {**counted, "raw": self.raw.state(), "mended": self.mended.state()}

    @classmethod
    def of(cls, classes: int, state: Mapping[str, Any]) -> "Answers":
        """What ``state`` gave; nothing yet of an empty one."""
        found = cls(classes)
        if state:
            found.counts.reshape(-1)[state["places"]] = state["counts"]
            found.raw, found.mended = Bins.of(state["raw"]), Bins.of(state["mended"])
        return found


def merged(classes: int, states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The state of all answers that several states are of."""
    found = Answers(classes)
    for other in (Answers.of(classes, state) for state in states):
        found.counts += other.counts
        found.raw.take(other.raw)
        found.mended.take(other.mended)
    return found.state()


def report(known: Judged, answers: Answers, mended: bool, classes: Sequence[str]) -> str:
    """What ends a line that begins with the number of images, and all that follows: accuracy, confusion and
    calibration, ``mended`` if there was a temperature. Empty where no class is known."""
    if not len(known.rows):
        return ""
    truth, answer = answers.each()
    right, n = 100 * float((truth == answer).mean()), len(truth)
    lines = [
        f"; {percent(right, n)} of the {n:,} {known.kind} are right{left_open(right, n)}",
        guessing(truth, answer, classes),
        *filter(None, [known.note]),
        f"\n{confusion_text(truth, answer, classes)}\n",
        calibration_text(answers.raw, answers.mended if mended else None),
    ]
    return "\n".join(lines)


def guessing(truth: np.ndarray, answer: np.ndarray, classes: Sequence[str]) -> str:
    """What accuracy has to be seen beside: the share of the largest class, and the balanced one where classes are
    uneven."""
    largest = classes[int(np.bincount(truth).argmax())]
    said = f"always the largest class, {largest}: {percent(majority(truth), len(truth))}"
    if (truth == truth[0]).all():
        return f"{said}; there is no other, so that these figures say little"
    if not uneven(truth):
        return said
    balanced = percent(100 * balanced_accuracy(truth, answer), len(truth))
    return f"{said}; balanced accuracy (mean over classes): {balanced}"


def confusion_text(truth: np.ndarray, answer: np.ndarray, classes: Sequence[str]) -> str:
    """The table of those classes that occur; of more than ``WHOLE`` the pairs that are confused most often."""
    occurring = np.union1d(truth, answer)
    counts = confusion(truth, answer, len(classes))
    if len(occurring) > WHOLE:
        pairs = [
            (_cut(classes[pair.truth]), _cut(classes[pair.answer]), str(pair.images), f"{pair.share:.0%}")
            for pair in most_confused(counts, PAIRS)
        ]
        columns = ("class", "taken for", "images", "of the class")
        return table("confused most often", columns, pairs) if pairs else "no class is taken for another"
    counts, names = counts[np.ix_(occurring, occurring)], [_cut(classes[number]) for number in occurring]
    heads = names
    if max(map(len, names)) + sum(2 + max(len(name), len(str(counts.max()))) for name in [*names, "right"]) > WIDTH:
        heads = [str(i) for i in range(1, len(names) + 1)]
        names = [f"{head} {name}" for head, name in zip(heads, names, strict=True)]
    rows = [
        (name, *map(str, row), f"{row[i] / row.sum():.0%}" if row.sum() else "-")
        for i, (name, row) in enumerate(zip(names, counts, strict=True))
    ]
    return table("images by class (rows) and answer (columns)", ("", *heads, "right"), rows)


def calibration_text(raw: Bins, mended: Bins | None) -> str:
    """Expected calibration errors of probabilities before and, if there was one, after a temperature, beside what
    chance gives."""
    n = raw.images
    said = f"expected calibration error ({BINS} bins): {percent(100 * raw.error(), n)}"
    if mended is not None:
        said += f" before the temperature, {percent(100 * mended.error(), n)} after"
    chance = (raw if mended is None else mended).by_chance()
    return f"{said}; right probabilities would show {percent(100 * chance, n)} of these images"


def confusion_rows(counts: np.ndarray, classes: Sequence[str]) -> Iterator[list[str]]:
    """The whole table of ``confusion``, a row a true class, its name first."""
    for name, row in zip(classes, counts, strict=True):
        yield [name, *map(str, row)]


def _cut(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 3]}..."
