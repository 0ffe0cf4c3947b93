"""What to label next: a light classifier on codes, how right it is, and the rows that it would learn most from.

Of a few hundred labels logistic regression on codes learns in milliseconds, so that it can follow each one. Codes are
centred and divided by one number; a number for each column cost 1-10 points of error on PCA of digits and MNIST, and up
to 1 on codes of a VAE. C = 1 is within two points of the best of eight from 0.003 to 10 for 20 to 200 labels
(``benchmarks/suggest_strength.py``).

Rows to label are the centres of groups (k-means): of all codes as long as nothing is labelled, later of those that the
classifier is least sure of. ``benchmarks/suggest.py`` measures what that is worth (``docs/labelling.md``)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from latelier.errors import Refusal
from latelier.learners import regression
from latelier.learners.space import scaling

Kind = Literal["margin", "unlike", "random"]
Why = Literal["unsure", "unlike", "typical", "random"]
C = 1.0
FOLDS = 5
SURE = 10  # times as many rows are grouped as are asked for, the least sure ones
POOL, GROUPED, APART = 100_000, 5_000, 20_000  # rows at most, by a sample: asked, in groups, and compared with others
ROUNDS = 15  # of k-means
BLOCK = 1_000  # rows whose distances to all others are held at once
LARGEST = 1e15  # of which float32 holds the squares of many


class Suggestion(NamedTuple):
    """A row to label, and why: the classifier is unsure of it, it is unlike all that is labelled, it is typical of a
    group (where no label is known yet), or it was drawn at random."""

    row: int
    why: Why


def light(codes: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities float32 [n, classes] of each row of ``codes`` [n, d], by logistic regression on those rows whose
    ``label`` int64 [n] is known (-1: unknown). Classes without a label have 0; of one class alone that is 1 everywhere,
    and without any label each class has the same. Raises Refusal for codes that are not finite."""
    rows, known = _level(codes), label >= 0
    return _answers(rows[known], label[known], rows, classes)


def margin(probability: np.ndarray) -> np.ndarray:
    """How sure a classifier is of each row, [n] in [0, 1]: the largest of its probabilities [n, classes] less the
    next; of one class 1."""
    if probability.shape[1] < 2:
        return np.ones(len(probability), probability.dtype)
    best = np.partition(probability, -2, axis=1)
    sure: np.ndarray = best[:, -1] - best[:, -2]
    return sure


def cross_validated(codes: np.ndarray, label: np.ndarray, rows: np.ndarray | Sequence[int]) -> float | None:
    """The share of the labelled ones of ``rows`` that ``light`` names right, each asked of a classifier that has not
    seen it: they are cut into at most five parts with all classes in each as evenly as can be, and a part is asked of
    what is learned from the other parts and all labels outside of ``rows``. The same for the same input.

    With rows that were drawn at random it is an estimate for all images, however the others were chosen: too low by
    some points (with 100 labels of digits by 7, where all labels are by 24), because what is suggested lies where these
    rows do not. None where there is none: fewer than two classes, no label among the rows, or a class of theirs that
    has one label alone. Raises Refusal as ``light`` does."""
    scaled, known = _level(codes), np.flatnonzero(label >= 0)
    tested = np.unique(np.asarray(rows, np.int64))
    tested = tested[label[tested] >= 0]
    classes, counts = np.unique(label[known], return_counts=True)
    if len(classes) < 2 or not len(tested) or counts[np.isin(classes, label[tested])].min() < 2:
        return None
    tested = np.random.default_rng(0).permutation(tested)
    tested = tested[np.argsort(label[tested], kind="stable")]
    part = np.arange(len(tested)) % FOLDS  # neighbours are in different parts, so that no part has all of a class
    right = 0
    for number in range(min(FOLDS, len(tested))):
        held = tested[part == number]
        fitted = np.setdiff1d(known, held)
        right += int((regression.fit(scaled[fitted], label[fitted], C).predict(scaled[held]) == label[held]).sum())
    return right / len(tested)


def suggest(
    codes: np.ndarray,
    label: np.ndarray,
    count: int,
    *,
    seed: int,
    share_random: float = 0.2,
    kind: Kind = "margin",
    skip: np.ndarray | Sequence[int] = (),
) -> list[Suggestion]:
    """``count`` rows of ``codes`` [n, d] to label next, in the order in which to do so, or all that are left: none that
    has a ``label`` int64 [n] (-1: unknown) or is in ``skip``, and none twice.

    - "margin": of the ten times ``count`` rows whose margin is the least one each of ``count`` groups (k-means), the
      least sure first. With labels of one class alone as "unlike".
    - "unlike": again and again the row that is farthest from all that are labelled or chosen (k-centre).
    - "random": all at random.

    Without any label the first two give the row nearest to the centre of each of ``count`` groups of all rows, large
    groups first. ``share_random`` of the rows are drawn at random instead and stand at random places among the others,
    so that accuracy can be measured on them; a part of a row is one more in that share of the seeds.

    By ``seed``, which also decides between equals; the same for the same input. Of very many rows a sample is looked
    at: 200,000 x 32 take under a second. Raises Refusal for codes that are not finite."""
    chance, rows = np.random.default_rng(seed), _level(codes)
    free = label < 0
    free[np.asarray(skip, np.int64)] = False
    left = chance.permutation(np.flatnonzero(free))
    count = min(count, len(left))
    share = 1.0 if kind == "random" else share_random
    drawn = min(count, int(round(share * count, 6) + chance.random()))
    why, best = _best(rows, label, left[drawn:], count - drawn, kind, chance)
    random = np.isin(np.arange(count), chance.choice(count, drawn, replace=False))
    order = np.empty(count, np.int64)
    order[random], order[~random] = left[:drawn], best
    return [Suggestion(int(row), "random" if by else why) for row, by in zip(order, random, strict=True)]


def _best(
    rows: np.ndarray, label: np.ndarray, left: np.ndarray, count: int, kind: Kind, chance: np.random.Generator
) -> tuple[Why, np.ndarray]:
    """Why, and ``count`` of the rows ``left``, whose order is random."""
    known = np.flatnonzero(label >= 0)
    if not len(known) or not count:
        some = left[: max(count, GROUPED)]
        return "typical", some[_centres(rows[some], count, chance)]
    if kind == "unlike" or len(np.unique(label[known])) < 2:
        some, others = left[: max(count, APART)], chance.permutation(known)[:GROUPED]
        return "unlike", some[_farthest(rows[some], rows[others], count)]
    pool = left[: max(count, POOL)]
    sure = margin(_answers(rows[known], label[known], rows[pool], int(label.max()) + 1))
    least = np.argsort(sure, kind="stable")[: max(count, min(SURE * count, GROUPED))]
    chosen = least[_centres(rows[pool[least]], count, chance)]
    return "unsure", pool[chosen[np.argsort(sure[chosen], kind="stable")]]


def _level(codes: np.ndarray) -> np.ndarray:
    """Codes centred and scaled, float32 [n, d]."""
    codes = np.asarray(codes, np.float32)
    if not codes.size:
        return codes
    if not (codes.min() >= -LARGEST and codes.max() <= LARGEST):  # of nan neither holds
        row = int(np.argmin((np.abs(codes) <= LARGEST).all(1)))
        raise Refusal(
            f"there are codes that are not finite, or beyond {LARGEST:g}, the first in row {row}; see whether the "
            "training failed"
        )
    return scaling(codes)(codes)


def _answers(known: np.ndarray, label: np.ndarray, rows: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities float32 [n, classes] of ``rows`` as learned from the ``known`` ones [m, d] with labels [m]."""
    found = np.unique(label)
    answer = np.zeros((len(rows), classes), np.float32)
    if not len(found):
        return answer + np.float32(1 / max(1, classes))
    if len(found) == 1:
        answer[:, found] = 1
        return answer
    learned = regression.fit(known, label, C)
    odds = rows @ learned.weight.T.astype(np.float32) + learned.bias.astype(np.float32)
    odds = np.exp(odds - odds.max(1, keepdims=True))
    answer[:, found] = odds / odds.sum(1, keepdims=True)
    return answer


def _centres(rows: np.ndarray, count: int, chance: np.random.Generator) -> np.ndarray:
    """The places [count] of the rows nearest to the centres of ``count`` groups of ``rows`` [n, d], by k-means from
    starts that k-means++ draws; none twice, those of large groups first."""
    if count >= len(rows) or not count:
        return np.arange(count)
    centre = rows[_spread(rows, count, chance)]
    for _ in range(ROUNDS):
        group = _nearest(rows, centre)
        size = np.bincount(group, minlength=count)
        order = np.argsort(group, kind="stable")
        begins = np.concatenate([[0], size.cumsum()[:-1]])[size > 0]
        centre[size > 0] = np.add.reduceat(rows[order], begins) / size[size > 0, None]
    chosen, taken = np.empty(count, np.int64), np.zeros(len(rows), np.float32)
    for place, number in enumerate(np.argsort(-size, kind="stable")):
        chosen[place] = (_squares(rows, centre[number]) + taken).argmin()
        taken[chosen[place]] = np.inf
    return chosen


def _spread(rows: np.ndarray, count: int, chance: np.random.Generator) -> np.ndarray:
    """Places [count] of ``rows`` [n, d], each drawn by its squared distance to those before (k-means++)."""
    chosen = [int(chance.integers(len(rows)))]
    apart = _squares(rows, rows[chosen[0]])
    for _ in range(count - 1):
        heap = apart.cumsum(dtype=np.float64)
        chosen.append(min(int(np.searchsorted(heap, chance.random() * heap[-1], side="right")), len(rows) - 1))
        apart = np.minimum(apart, _squares(rows, rows[chosen[-1]]))
    return np.array(chosen)


def _farthest(rows: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Places [count] of ``rows`` [n, d]: each is the row farthest from ``others`` [m, d] and those before it."""
    near = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        near[start : start + BLOCK] = _squares(block, others[_nearest(block, others)])
    chosen = np.empty(count, np.int64)
    for place in range(count):
        chosen[place] = near.argmax()
        near = np.minimum(near, _squares(rows, rows[chosen[place]]))
        near[chosen[place]] = -1  # below the 0 of a row that equals it
    return chosen


def _nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The place in ``others`` [m, d] of the nearest to each of ``rows`` [n, d]."""
    answer: np.ndarray = (np.square(others).sum(1) / 2 - rows @ others.T).argmin(1)
    return answer


def _squares(rows: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared distances [n] of ``rows`` [n, d] to ``other``, one or a row each."""
    apart = rows - other
    square: np.ndarray = np.einsum("nd,nd->n", apart, apart)
    return square
