"""What a log tells of a training, and whether it is still learning."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

from latelier.core import Metric

TERMS = tuple(Metric(*term) for term in (("elbo", True), ("distortion",), ("error",), ("cross-entropy",)))
FEWEST = 8  # values that make a course
TENTH = 10  # the end, the middle and the beginning are means over a tenth of the values, or one
WORSE, BETTER = 0.03, 0.01  # of the value, by which the last half is another than the one before
SETTLED = {"cross-entropy": 0.01}  # of no further use to a person below that: 99 % on the right class, on average
OF_ALL = 0.05  # and of all that was gained after the first tenth, for what is better


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


def once(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a log without those of images that were seen again after a crash: the later ones count."""
    kept: list[dict[str, Any]] = []
    for record in records:
        while kept and _again(kept[-1], record):
            kept.pop()
        kept.append(record)
    return kept


def course(log: Sequence[Mapping[str, Any]], monitor: Metric | None = None) -> Course | None:
    """Of the run's ``monitor``, or of the first term that the records have, on validation pictures if there were any;
    none where too few say so."""
    for kind, where in (("validation", "validation"), ("terms", "training")):
        records = [record[kind] for record in log if kind in record]
        for metric in [*([monitor] if monitor else []), *TERMS]:
            name, sign = metric.name, 1 if metric.higher else -1
            values = [float(record[name]) * sign for record in records if name in record]
            values = [value for value in values if math.isfinite(value)]  # the others are no course
            if len(values) >= FEWEST:
                return _course(metric, where, values)
    return None


def improving(course: Course) -> bool:
    """Whether going on is worth it."""
    if course.end < SETTLED.get(course.term, -math.inf):
        return False
    return course.gain > max(BETTER, 2 * course.error) and course.share > OF_ALL


def worsening(course: Course) -> bool:
    """Whether the last half undid what the one before had learned."""
    return course.gain < -max(WORSE, 2 * course.error)


def _again(before: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether ``record`` stands where ``before`` stood, or earlier: at one place, terms come first."""
    same = "terms" in record or before.keys() == record.keys()
    return bool(before["seen"] > record["seen"] or (same and before["seen"] == record["seen"]))


def _course(metric: Metric, where: str, values: list[float]) -> Course:
    n = max(1, len(values) // TENTH)
    middle = len(values) // 2
    begin, half, end = fmean(values[n : 2 * n]), fmean(values[middle - n : middle]), fmean(values[-n:])
    # Neighbours differ by the noise of a value, hardly by the trend.
    steps = [b - a for a, b in zip(values[middle:], values[middle + 1 :], strict=False)]
    noise = stdev(steps) / 2**0.5 if len(steps) > 1 else 0.0
    scale, gained, sign = abs(half) or 1.0, end - begin, 1 if metric.higher else -1
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
    )
