"""BLEU-1 to BLEU-4 of a corpus (Papineni et al. 2002, section 2.3): clipped n-gram precisions, their geometric mean,
and a penalty of candidates shorter than the references that are nearest in length."""

import math
from collections import Counter
from collections.abc import Sequence

from latelier.scores.text.ngrams import ORDERS, Words, ngrams

TINY, SMALL = 1e-15, 1e-9  # coco-caption's: no precision is 0 / 0


def bleu(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """BLEU-1, ..., BLEU-4 in [0, 1]."""
    right, said, length, wanted = [0] * len(ORDERS), [0] * len(ORDERS), 0, 0
    for words, beside in zip(candidates, references, strict=True):
        length += len(words)
        wanted += min((abs(len(other) - len(words)), len(other)) for other in beside)[1]
        for place, n in enumerate(ORDERS):
            most: Counter[tuple[str, ...]] = Counter()
            for other in beside:
                most |= ngrams(other, n)
            right[place] += (ngrams(words, n) & most).total()
            said[place] += max(0, len(words) - n + 1)
    return bleu_of(right, said, length, wanted)


def bleu_of(right: Sequence[int], said: Sequence[int], length: int, wanted: int) -> list[float]:
    """From the number of right and of all n-grams of each order, and the words of candidates and of references."""
    ratio = (length + TINY) / (wanted + SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    product, found = 1.0, []
    for order, (hits, count) in enumerate(zip(right, said, strict=True), 1):
        product *= (hits + TINY) / (count + SMALL)
        found.append(penalty * product ** (1 / order))
    return found
