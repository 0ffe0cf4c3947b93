"""CIDEr-D (Vedantam et al. 2015, section 7): cosines of n-gram counts weighted by how rare they are among the images'
references, clipped, times a Gaussian of the difference in length; what coco-caption prints as CIDEr."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from latelier.scores.text.ngrams import ORDERS, Words, ngrams

SIGMA = 6.0
Weights = dict[tuple[str, ...], float]


def cider(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """The mean over images, times 10. Rarity is that in these references: 0 for one image alone."""
    spread: Counter[tuple[str, ...]] = Counter()  # n-gram -> images whose references have it
    for beside in references:
        spread.update({gram for words in beside for n in ORDERS for gram in ngrams(words, n)})
    log_images = math.log(len(references))
    pairs = zip(candidates, references, strict=True)
    return (
        fmean(fmean(_similarity(words, other, spread, log_images) for other in beside) for words, beside in pairs) * 10
    )


def _similarity(one: Words, other: Words, spread: Mapping[tuple[str, ...], int], log_images: float) -> float:
    found = []
    for n in ORDERS:
        ours, theirs = (_weights(words, n, spread, log_images) for words in (one, other))
        norm = math.sqrt(sum(w * w for w in ours.values()) * sum(w * w for w in theirs.values()))
        shared = sum(min(w, theirs[gram]) * theirs[gram] for gram, w in ours.items() if gram in theirs)
        found.append(shared / norm if norm else 0.0)
    apart = max(0, len(one) - 1) - max(0, len(other) - 1)  # in pairs of words, as there
    return fmean(found) * math.exp(-(apart**2) / (2 * SIGMA**2))


def _weights(words: Words, n: int, spread: Mapping[tuple[str, ...], int], log_images: float) -> Weights:
    return {gram: count * (log_images - math.log(max(1, spread[gram]))) for gram, count in ngrams(words, n).items()}
