"""Logistic regression with an L2 penalty, solved until its gradient is gone: one machine for all probes.

Minimises C sum_n -log p(y_n | x_n) + |W|^2 / 2, biases free; of two classes with one weight vector, as scikit-learn
does. By Newton's steps, each solved by conjugate gradients only as well as it is worth (Nocedal and Wright 2006,
algorithm 7.1), from a guess at the curvature: the penalty's, and the rows' products times ``CURVE``. Steps are found in
float32, at twice the speed, as long as that leads down; the loss, its gradient and what is kept are float64, so that no
digit of them is lost.

With hardly more rows than columns the weights are sought as X'A, sums of the centred rows: the solution is one. Then
a round of conjugate gradients is one product with an n x n matrix, of several times fewer numbers than with X twice."""

from typing import NamedTuple, Protocol

import numpy as np

STEPS, ROUNDS = 200, 1_000  # far more than are ever needed
GRADIENT = 1e-3  # length of what is left, in the norm that the guess gives: the loss is then within 1e-5 of the least
SHARE = 0.1  # of its right side that is left when a step is good enough
CURVE = 3e-3  # mean of p (1 - p) at the solution, as learned digits have it; ten times more or less costs little
APART = 10  # times less than guessed, it is guessed anew before the end
SUMS = 1.5  # rows a column up to which weights are sought as sums of rows
SHORTEST = 1e-9  # share of a step; where it leads down no farther, what is left is rounding


Kind = type[np.float32] | type[np.float64]


class Linear(NamedTuple):
    """A machine that has learned."""

    classes: np.ndarray  # [k], sorted
    weight: np.ndarray  # float64 [k, d]; of two classes the first's is 0
    bias: np.ndarray  # float64 [k]
    left: float  # length of the gradient that is left, as ``GRADIENT`` counts

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The likeliest class of each row of x [n, d]."""
        answer: np.ndarray = self.classes[(x @ self.weight.astype(x.dtype).T + self.bias).argmax(1)]
        return answer


class Coordinates(Protocol):
    """What weights are sought by: m numbers a class. A gradient is given so that ``dot`` with a step is the slope."""

    def logits(self, at: np.ndarray) -> np.ndarray:
        """Coordinates [m, k] -> what the weights say of the rows, [n, k], biases aside."""

    def back(self, change: np.ndarray) -> np.ndarray:
        """The gradient by logits [n, k] -> that by coordinates [m, k]."""

    def expect(self, curve: float, kind: Kind) -> None:
        """Sets the curvature that ``guess`` goes by, the penalty's and ``curve`` times the rows' products, and the kind
        of floats that steps are found in."""

    def guess(self, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The step that the guessed curvature answers a gradient with, and its logits."""

    def dot(self, gradient: np.ndarray, step: np.ndarray, logits: np.ndarray) -> float:
        """The inner product of a gradient and a step, whose logits are known."""

    def weight(self, at: np.ndarray) -> np.ndarray:
        """[d, k]."""


class Weights:
    """Coordinates are the weights."""

    def __init__(self, rows: np.ndarray):
        self.rows, self.fast, self.products = rows, rows, rows.T @ rows
        self.inverse = np.empty(0)

    def expect(self, curve: float, kind: Kind) -> None:
        self.fast = self.rows.astype(kind)
        self.inverse = np.linalg.inv(np.eye(len(self.products)) + curve * self.products).astype(kind)

    def logits(self, at: np.ndarray) -> np.ndarray:
        answer: np.ndarray = self._as(at) @ at
        return answer

    def back(self, change: np.ndarray) -> np.ndarray:
        answer: np.ndarray = self._as(change).T @ change
        return answer

    def guess(self, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step = self.inverse @ gradient
        return step, self.fast @ step

    def dot(self, gradient: np.ndarray, step: np.ndarray, logits: np.ndarray) -> float:
        return float(np.vdot(gradient, step))

    def weight(self, at: np.ndarray) -> np.ndarray:
        return at

    def _as(self, numbers: np.ndarray) -> np.ndarray:
        return self.fast if numbers.dtype == self.fast.dtype else self.rows


class Sums:
    """Coordinates A are how often each row is in the weights X'A. Gradients are without the factor XX', which each of
    them has: ``dot`` adds it, as the logits of the step do."""

    def __init__(self, rows: np.ndarray):
        self.rows, self.products = rows, rows @ rows.T
        self.inverse, self.curve = np.empty(0), np.float64(0)

    def expect(self, curve: float, kind: Kind) -> None:
        self.curve = kind(curve)  # type: ignore[assignment]
        self.inverse = np.linalg.inv(np.eye(len(self.products)) + curve * self.products).astype(kind)

    def logits(self, at: np.ndarray) -> np.ndarray:
        answer: np.ndarray = self.products @ at
        return answer

    def back(self, change: np.ndarray) -> np.ndarray:
        centred: np.ndarray = change - change.mean(0)  # of centred rows the sum is 0, and its rounding would not be
        return centred

    def guess(self, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step = self.inverse @ gradient
        return step, (gradient - step) / self.curve  # as (1 + curve XX') step is the gradient

    def dot(self, gradient: np.ndarray, step: np.ndarray, logits: np.ndarray) -> float:
        return float(np.vdot(gradient, logits))

    def weight(self, at: np.ndarray) -> np.ndarray:
        answer: np.ndarray = self.rows.T @ at
        return answer


def fit(x: np.ndarray, y: np.ndarray, c: float = 1.0) -> Linear:
    """Learns classes y [n], of which there are at least two, from x [n, d]; ``c`` is the weight of the data's loss."""
    classes, number = np.unique(y, return_inverse=True)
    assert len(classes) > 1, "one class needs no machine"
    centre, alone = x.mean(0, dtype=np.float64), len(classes) == 2
    rows = np.asarray(x, np.float64) - centre
    space: Coordinates = (Sums if len(x) <= SUMS * x.shape[1] else Weights)(rows)
    at, bias, left = _least(space, np.eye(len(classes))[number][:, int(alone) :], c)
    weight = space.weight(at)
    if alone:
        weight, bias = np.concatenate([0 * weight, weight], 1), np.concatenate([[0.0], bias])
    return Linear(classes, weight.T, bias - centre @ weight, left)


def _least(space: Coordinates, truth: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Coordinates [m, k] and biases [k] of the least loss for classes ``truth`` [n, k], and what is left of the
    gradient. Of one column, the other class's logits are 0."""
    logits, bias = np.zeros_like(truth), np.zeros(truth.shape[1])
    at, own = np.zeros_like(space.back(truth)), np.zeros_like(truth)  # coordinates, and their logits without biases
    chance, misfit = _chance(logits, truth)
    value, curve = c * misfit, CURVE
    kind: Kind = np.float32
    space.expect(c * curve, kind)
    for _ in range(STEPS):
        off = c * (chance - truth)
        gradient, slopes = space.back(off) + at, off.sum(0)
        step, change, left = _step(space, gradient.astype(kind), slopes.astype(kind), chance.astype(kind), kind(c))
        if left <= GRADIENT:
            found = max(float((chance * (1 - chance)).mean()), 1e-9)
            if found > curve / APART:
                break
            curve = found
            space.expect(c * curve, kind)
            continue
        moved = space.logits(step)
        slope = space.dot(gradient, step, moved) + float(slopes @ change)
        here, cross, there = (space.dot(a, b, u) for a, b, u in ((at, at, own), (at, step, moved), (step, step, moved)))
        share = 1.0
        while share >= SHORTEST:  # halved until it leads down far enough, which close to the solution the whole does
            new, misfit = _chance(logits + share * (moved + change), truth)
            least = c * misfit + (here + 2 * share * cross + share**2 * there) / 2
            if least <= value + 1e-4 * share * slope:
                break
            share /= 2
        else:
            if kind is np.float64:
                break
            kind = np.float64
            space.expect(c * curve, kind)
            continue
        chance, value = new, least
        at, bias = at + share * step, bias + share * change
        own, logits = own + share * moved, logits + share * (moved + change)
    return at, bias, left


@np.errstate(over="ignore", invalid="ignore")  # a step that float32 cannot hold is dropped
def _step(
    space: Coordinates, gradient: np.ndarray, slopes: np.ndarray, chance: np.ndarray, c: np.floating
) -> tuple[np.ndarray, np.ndarray, float]:
    """Newton's step of coordinates and biases, about, as float64; and the length of the gradient, of which the step is
    0 where that is short enough."""
    weighed, rest, tilt = c * chance, -gradient, -slopes
    bends = 1 / np.maximum((weighed * (1 - chance)).sum(0), 1e-12)

    def guessed() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        way, seen = space.guess(rest)
        turn = bends * tilt
        return way, turn, seen, max(0.0, space.dot(rest, way, seen) + float(tilt @ turn))

    way, turn, seen, size = guessed()
    length, enough = size**0.5, SHARE**2 * size
    step, change = np.zeros_like(way), np.zeros_like(turn)
    for _ in range(ROUNDS if length > GRADIENT else 0):
        felt = weighed * (seen + turn)
        felt -= chance * felt.sum(1, keepdims=True)
        answer, lean = space.back(felt) + way, felt.sum(0)
        bend = space.dot(answer, way, seen) + float(lean @ turn)
        if not 0 < bend < np.inf:  # no more than rounding
            break
        by = size / bend
        step, change, rest, tilt = step + by * way, change + by * turn, rest - by * answer, tilt - by * lean
        next_way, next_turn, next_seen, new = guessed()
        if new <= enough:
            break
        keep = new / size
        way, turn, seen, size = next_way + keep * way, next_turn + keep * turn, next_seen + keep * seen, new
    return step.astype(np.float64), change.astype(np.float64), length


def _chance(logits: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Probabilities [n, k] and the sum of -log p of the truth."""
    alone = logits.shape[1] == 1
    most = np.maximum(logits, 0) if alone else logits.max(1, keepdims=True)
    chance = np.exp(logits - most)
    total = chance.sum(1, keepdims=True) + (np.exp(-most) if alone else 0)  # alone: the other's logit is 0
    return chance / total, float((most + np.log(total)).sum() - (logits * truth).sum())
