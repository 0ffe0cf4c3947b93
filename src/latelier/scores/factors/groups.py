"""Measures on groups of images that share the level of one factor: the beta-VAE metric and FactorVAE's.

Both ask which factor it is, so chance is one in the number of factors."""

from typing import NamedTuple

import numpy as np

from latelier.learners import regression
from latelier.scores.factors.known import Known

POINTS = 200  # questions a factor, in each split
GROUP = 64  # pairs, or images, behind one question
DEAD = 0.01  # share of the largest latent variance under which a latent has no vote


class Groups(NamedTuple):
    """The rows of a data set, sorted by the level of one factor."""

    order: np.ndarray  # [n] rows, those of a level side by side
    start: np.ndarray  # [n] where in ``order`` the level of each row begins
    size: np.ndarray  # [n] how many rows have the level of each row


def grouped(level: np.ndarray) -> Groups:
    """Of one factor's levels [n]."""
    _, number, count = np.unique(level, return_inverse=True, return_counts=True)
    start = np.cumsum(count) - count
    return Groups(np.argsort(level, kind="stable"), start[number], count[number])


def beta_vae(fit: Known, test: Known, rng: np.random.Generator) -> float:
    """Accuracy of a linear classifier that names the shared factor (Higgins et al. 2017, section 3).

    It sees the mean over ``GROUP`` pairs of |z1 - z2|; the two images of a pair share the level of that factor. It
    learns on pairs of ``fit`` and answers for pairs of ``test``.
    """
    from sklearn.preprocessing import StandardScaler

    apart, factor = differences(fit, rng)
    scaler = StandardScaler().fit(apart)
    classifier = regression.fit(scaler.transform(apart), factor)
    apart, factor = differences(test, rng)
    return float((classifier.predict(scaler.transform(apart)) == factor).mean())


def differences(known: Known, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean differences [f x POINTS, d], and the number of the factor that was shared [f x POINTS]."""
    factors, rows = known.levels.shape[1], []
    for factor in range(factors):
        first, second = pairs(grouped(known.levels[:, factor]), POINTS * GROUP, rng)
        apart = np.abs(known.codes[first] - known.codes[second])
        rows.append(apart.reshape(POINTS, GROUP, -1).mean(1))
    return np.concatenate(rows), np.repeat(np.arange(factors), POINTS)


def pairs(groups: Groups, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n rows, and for each another one of its level."""
    order, start, size = groups
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    row = rng.choice(_shared(groups), n)
    step = rng.integers(1, np.maximum(size[row], 2))
    return row, order[start[row] + (place[row] - start[row] + step) % size[row]]


def factor_vae(fit: Known, test: Known, rng: np.random.Generator) -> float:
    """Accuracy of a majority vote that names the shared factor (Kim and Mnih 2018, section 4).

    Each group of ``GROUP`` images votes for the latent of least variance, relative to its variance over ``fit``. Groups
    of ``fit`` give every latent its factor, by majority; groups of ``test`` are named by that table. Latents with under
    ``DEAD`` of the largest variance are left out.
    """
    variance = fit.codes.var(0, dtype=np.float64)
    latents, factors = len(variance), fit.levels.shape[1]
    table = np.zeros((latents, factors), np.int64)
    np.add.at(table, (votes(fit, variance, rng).ravel(), np.repeat(np.arange(factors), POINTS)), 1)
    named = table.argmax(1)[votes(test, variance, rng)]
    return float((named == np.arange(factors)[:, None]).mean())


def votes(known: Known, variance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The latent that varies least in each group: [f, POINTS]."""
    chosen = np.empty((known.levels.shape[1], POINTS), np.int64)
    dead = variance < DEAD * variance.max()
    scale = np.where(variance > 0, variance, 1)
    for factor in range(len(chosen)):
        order, start, size = groups = grouped(known.levels[:, factor])
        row = rng.choice(_shared(groups), (POINTS, 1))
        group = order[start[row] + rng.integers(0, size[row], (POINTS, GROUP))]
        spread = known.codes[group].var(1, dtype=np.float64) / scale
        chosen[factor] = np.where(dead, np.inf, spread).argmin(1)
    return chosen


def _shared(groups: Groups) -> np.ndarray:
    """Rows whose level another row has too; all rows where there are none."""
    shared = np.flatnonzero(groups.size > 1)
    return shared if len(shared) else groups.order
