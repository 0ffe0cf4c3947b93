"""Error of transductive support vector machines on frozen codes: labels of a few images, and all others without."""

import warnings
from functools import partial

import numpy as np
from torch import Generator

from latelier.codes.rows import some
from latelier.core import Encodes, Model
from latelier.data.subsets import labelled_rows
from latelier.errors import Refusal
from latelier.scores.common import Splits, errors, majority, space, spread

needs = (Encodes,)
NEEDS_LABELS = True
ON_REQUEST = True
LIMIT = 1_000_000
OTHERS = 5_000  # unlabelled images at most
BEGIN = 1e-3  # of C* at its end, where it begins
ROUNDS = 10  # new guesses at each C*, at most
STEPS, TOLERANCE = 5_000, 1e-3
PROTOCOL = (
    "Error on test images of one linear machine a class against all others: |w|^2 / 2 + C sum of max(0, 1 - y f) over "
    f"the labelled images + C* sum of max(0, 1 - |f|) over at most {OTHERS:,} others of the training split, whose "
    "labels are not read. Of these the same share as of the labelled is taken for positive, those of the largest f; "
    f"guesses and machine alternate while C* doubles from {BEGIN:g} of its end (Joachims 1999). SVM: the labelled "
    "alone. The space is centred and scaled by one number, so that the mean squared norm is 1. Majority: the error "
    "of naming the commonest class of the test images always. Balanced: the mean over classes, where a test class is "
    "over 1.5 times another."
)


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    labels: int = 10,
    draws: int = 1,
    first: int = 0,
    c: float = 10.0,
    others: int = OTHERS,
    weight: float = 1.0,
    depth: str | None = None,
    test: int | None = None,
) -> dict[str, float]:
    """Errors in percent from this many ``labels`` a class, drawn by ``draws`` seeds from ``first`` on. C is ``c``; all
    ``others`` together weigh ``weight`` times what the labelled do. ``depth`` reads features in place of codes,
    "pixels" raw ones; ``test`` measures this many test images. Raises Refusal for numbers out of range, an unknown
    depth, and where a class has too few labels."""
    if min(labels, draws) < 1 or c <= 0 or min(first, others, weight) < 0:
        raise Refusal(
            f"tsvm: labels {labels}, draws {draws} and c {c:g} must be above 0, first {first}, others {others} and "
            f"weight {weight:g} at least 0"
        )
    classes = len(np.unique(data.fit.label[data.fit.label >= 0]))
    if depth != "pixels" and data.labels_learned > labels * classes:
        raise Refusal(
            f"tsvm: the run has learned from {data.labels_learned:,} labels itself, so that {labels} a class of its "
            "codes say nothing of so few; give more labels, a run without labels, or depth=pixels"
        )
    known = [labelled_rows(data.fit.label, labels, seed) for seed in range(first, first + draws)]
    rest = [
        np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(data.fit)), rows))[:others]
        for seed, rows in enumerate(known, first)
    ]
    used = np.unique(np.concatenate([*known, *rest]))
    data = data._replace(fit=data.fit.take(used), test=some(data.test, test or len(data.test), 0, labelled=True))
    x, measured = space("tsvm", model, data, depth)
    found: dict[str, list[float]] = {}
    for rows, unlabelled in zip(known, rest, strict=True):
        mine, theirs = np.searchsorted(used, rows), np.searchsorted(used, unlabelled)
        y = data.fit.label[mine]
        end = c * weight * len(mine) / max(1, len(theirs))
        for name, strength in (("TSVM", end), ("SVM", 0.0)):
            machines = [learned(x[mine], np.where(y == one, 1, -1), x[theirs], c, strength) for one in np.unique(y)]
            decision = np.stack([measured @ w + b for w, b in machines], 1)
            for key, value in errors(f"{name} error %", np.unique(y)[decision.argmax(1)], data.test.label).items():
                found.setdefault(key, []).append(value)
    values = {key: value for name, each in found.items() for key, value in spread(name, each).items()}
    return values | {"majority error %": 100 - majority(data.test.label)}


def learned(x: np.ndarray, y: np.ndarray, others: np.ndarray, c: float, end: float) -> tuple[np.ndarray, float]:
    """Weights [d] and bias of the machine from x [n, d] with y [n] in {-1, 1} and from ``others`` [m, d] without, whose
    C* ends at ``end``; with 0 it is the plain machine."""
    fit = partial(_machine, x, y, others, c)
    w, b = fit(None, 0.0)
    positive = round(len(others) * float((y > 0).mean()))
    strength = BEGIN * end
    while end > 0 and len(others):
        guess = _guessed(others @ w + b, positive)
        for _ in range(ROUNDS):
            w, b = fit(guess, strength)
            before, guess = guess, _guessed(others @ w + b, positive)
            if (guess == before).all():
                break
        if strength >= end:
            break
        strength = min(2 * strength, end)
    return w, b


def _guessed(decision: np.ndarray, positive: int) -> np.ndarray:
    """Labels [m] in {-1, 1}: positive are this many of the largest."""
    guess = np.full(len(decision), -1)
    guess[np.argsort(-decision, kind="stable")[:positive]] = 1
    return guess


def _machine(
    x: np.ndarray, y: np.ndarray, others: np.ndarray, c: float, guess: np.ndarray | None, strength: float
) -> tuple[np.ndarray, float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    weight = np.full(len(y), c)
    if guess is not None and strength > 0:
        x, y = np.concatenate([x, others]), np.concatenate([y, guess])
        weight = np.concatenate([weight, np.full(len(guess), strength)])
    machine = LinearSVC(loss="hinge", C=1.0, tol=TOLERANCE, max_iter=STEPS, random_state=0)
    with warnings.catch_warnings():  # the limit on steps is part of the protocol
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(x, y, sample_weight=weight)
    return machine.coef_[0].astype(np.float32), float(machine.intercept_[0])
