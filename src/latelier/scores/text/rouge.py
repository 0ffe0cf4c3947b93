"""ROUGE_L (Lin 2004): the F measure of the longest common subsequence, best precision and best recall over
references."""

from collections.abc import Sequence
from statistics import fmean

from latelier.scores.text.ngrams import Words

BETA = 1.2


def rouge_l(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """The mean over images, in [0, 1]."""
    return fmean(_one(words, beside) for words, beside in zip(candidates, references, strict=True))


def _one(words: Words, beside: Sequence[Words]) -> float:
    if not words:
        return 0.0
    shared = [(_longest_common(words, other), len(other)) for other in beside if other]
    precision = max((common / len(words) for common, _ in shared), default=0.0)
    recall = max((common / length for common, length in shared), default=0.0)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision) if precision and recall else 0.0


def _longest_common(one: Words, other: Words) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, match in enumerate(other, 1):
            kept = row[place]
            row[place] = before + 1 if word == match else max(row[place], row[place - 1])
            before = kept
    return row[-1]
