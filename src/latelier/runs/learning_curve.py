"""What a log tells of a training, and whether it is still learning."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from latelier.core import Metric
from latelier.runs.compatibility import terms_of
from latelier.storage import json_records
from latelier.storage.schemas import LogRecord
from latelier.terminal.say import say

Measures = Callable[[dict[str, float]], dict[str, float]]
TERMS = tuple(Metric(*term) for term in (("elbo", True), ("distortion",), ("error",), ("cross-entropy",)))
FEWEST = 8  # values that make a course
TENTH = 10  # the end, the middle and the beginning are means over a tenth of the values, or one
WORSE, BETTER = 0.03, 0.01  # of the value, by which the last half is another than the one before
SETTLED = {"cross-entropy": 0.01}  # of no further use to a person below that: 99 % on the right class, on average
OF_ALL = 0.05  # and of all that was gained after the first tenth, for what is better
LATE = 0.75  # share of the validations: where the best one came before, what followed brought nothing


class Course(NamedTuple):
    """How a figure went over the last half of a training."""

    term: str
    higher: bool  # whether more of it is better
    where: str  # "validation" or "training"
    half: float  # the value in the middle
    end: float
    gain: float  # as a share of its value in the middle; above 0: better
    error: float  # standard error of that share, from how the values scatter
    share: float  # of all that was gained since the first tenth
    words: str  # what the term is, where its name does not say that
    known: float | None = None  # of validation: the value at the end on the images trained on, where it is logged
    ahead: float = 0.0  # how much better that is, as a share likewise
    best: float = 1.0  # of validation: the share of them after which the best value came


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of the training in a run folder, without those of images that were seen again after a crash. Damaged
    ones are left out and named on stderr."""
    records, faults = json_records.read_lines(folder / "log.jsonl", LogRecord)
    for fault in faults:
        say(fault, error=True)
    return once(terms_of(record) for record in records)


def once(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a log without those of images that were seen again after a crash: the later ones count."""
    kept: list[dict[str, Any]] = []
    for record in records:
        while kept and _again(kept[-1], record):
            kept.pop()
        kept.append(record)
    return kept


def course(
    log: Sequence[Mapping[str, Any]], monitor: Metric | None = None, measures: Measures | None = None
) -> Course | None:
    """Of the run's ``monitor``, or of the first term that the records have, on validation images if there were any;
    none where too few say so. ``measures`` are the model's, of the terms of training: a record of validation has
    them already."""
    own = [monitor] if monitor else []
    for metric in [*own, *TERMS]:
        values = _values(log, "validation", metric)
        if len(values) >= FEWEST and len(set(values)) > 1:  # one and the same: these images cannot tell
            return _course(metric, "validation", values, _values(log, "terms", metric, measures))
    for metric in [*TERMS, *own]:  # in training a monitor's parts may have weights that rise: it comes last
        values = _values(log, "terms", metric, measures)
        if len(values) >= FEWEST:
            return _course(metric, "training", values)
    return None


def improving(course: Course) -> bool:
    """Whether going on is worth it."""
    return _gaining(course) and course.ahead <= course.gain and course.best > LATE


def by_heart(course: Course) -> bool:
    """Whether the last half brought something, and those trained on are ahead by more than that: then ten times as long
    brought next to nothing, or took (docs/verdict.md)."""
    return _gaining(course) and course.ahead > course.gain


def worsening(course: Course) -> bool:
    """Whether the last half undid what the one before had learned."""
    return course.gain < -max(WORSE, 2 * course.error)


def _gaining(course: Course) -> bool:
    """Whether the last half brought what counts."""
    if course.end < SETTLED.get(course.term, -math.inf):
        return False
    return course.gain > max(BETTER, 2 * course.error) and course.share > OF_ALL


def _again(before: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether ``record`` stands where ``before`` stood, or earlier: at one place, terms come first."""
    same = "terms" in record or before.keys() == record.keys()
    return bool(before["seen"] > record["seen"] or (same and before["seen"] == record["seen"]))


def _values(
    log: Sequence[Mapping[str, Any]], kind: str, metric: Metric, measures: Measures | None = None
) -> list[float]:
    """The finite ones, with a sign by which more is better."""
    sign, found = 1 if metric.higher else -1, list[float]()
    for record in log:
        terms = dict(record.get(kind, {}))
        if measures is not None and terms and metric.name not in terms:
            with suppress(KeyError):  # this record lacks what the measure is of
                terms |= measures(terms)
        if math.isfinite(value := float(terms.get(metric.name, math.nan))):
            found.append(sign * value)
    return found


def _course(metric: Metric, where: str, values: list[float], known: Sequence[float] = ()) -> Course:
    """``known`` are values of the same on the images trained on."""
    n = max(1, len(values) // TENTH)
    middle = len(values) // 2
    begin, half, end = fmean(values[n : 2 * n]), fmean(values[middle - n : middle]), fmean(values[-n:])
    # Neighbours differ by the noise of a value, hardly by the trend.
    steps = [b - a for a, b in zip(values[middle:], values[middle + 1 :], strict=False)]
    noise = stdev(steps) / 2**0.5 if len(steps) > 1 else 0.0
    scale, gained, sign = abs(half) or 1.0, end - begin, 1 if metric.higher else -1
    last = fmean(known[-max(1, len(known) // TENTH) :]) if known else None
    return Course(
        metric.name,
        metric.higher,
        where,
        half * sign,
        end * sign,
        gain=(end - half) / scale,
        error=noise * (2 / n) ** 0.5 / scale,
        share=(end - half) / gained if gained > 0 else 0.0,
        words=metric.words,
        known=None if last is None else last * sign,
        ahead=0.0 if last is None else (last - end) / scale,
        best=(values.index(max(values)) + 1) / len(values) if where == "validation" else 1.0,
    )
