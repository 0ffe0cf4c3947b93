"""What frozen codes know about labels: linear and kNN probes at label budgets, beside raw pixels and their PCA."""

import math
import warnings
from collections.abc import Callable

import numpy as np
from torch import Generator

from latelier.core import Classifies, Encodes, Model, Refusal, has, need
from latelier.data.choice import labelled_rows
from latelier.data.images import Images
from latelier.scores.common import SIDE, Splits, codes, features, pixels, rows_of, some

needs = (Encodes,)
NEEDS_LABELS = True
LIMIT = 10_000
BUDGETS = (1, 5, 10, 100)  # labels a class
DRAWS = 5
FIT_ROWS = 5_000
STEPS = 500
PROTOCOL = (
    "Accuracy on test images of probes that learn from 1, 5, 10 and 100 labels a class of the training split, as "
    f"far as it has them (mean and sd over label draws 0 to {DRAWS - 1}, the same in every space), and from all of "
    f"at most {FIT_ROWS:,} of its labelled images. Linear: logistic regression, C = 1, at most {STEPS} steps. kNN: "
    "Euclidean, k = 5, or the labels a class where fewer. Spaces: the most likely codes; raw pixels, averaged down "
    f"to at most {SIDE} px a side; PCA of those pixels to the width of the code, at most 50. Each is standardised on "
    "all of those images without their labels: centred, and scaled by one number for the whole space. "
    "Head: the model's own classifier. Majority: the commonest class. A model that learned from labels carries them "
    "in its codes."
)

Reader = Callable[[Images], np.ndarray]  # n images -> float32 [n, d]
SPACES = ("codes", "pixels", "PCA")  # always probed


def score(model: Model, data: Splits, generator: Generator, *, depth: str | None = None) -> dict[str, float]:
    """Accuracies in percent, named "PROBE SPACE BUDGET %"; balanced too where a test class is over 1.5 times another.

    ``depth`` adds the features at that depth as a space. ``generator`` is not used: the draws are fixed, so that runs
    can be compared. Raises Refusal without labels of at least two classes."""
    test = some(data.test, LIMIT, 0, labelled=True)
    pool = some(data.fit, FIT_ROWS, 0, labelled=True)
    if len(test) == 0 or len(np.unique(pool.label)) < 2:
        source = data.fit.source or "these pictures"
        raise Refusal(
            f"probe: {source} must have labels of two or more classes to fit, and labels to test on; add them"
        )
    draws = {
        budget: [labelled_rows(data.fit.label, budget, seed) for seed in range(DRAWS)]
        for budget in budgets(data.fit.label)
    }
    values = _alone(model, test)
    for space, read in _spaces(model, pool, depth).items():
        measured = read(test)
        for budget, subsets in draws.items():
            found = [_probe(read, data.fit.take(rows), measured, test.label) for rows in subsets]
            for probe in found[0]:
                name, drawn = f"{probe} {space} {budget}/class %", [one[probe] for one in found]
                values |= {name: float(np.mean(drawn)), f"{name} sd": float(np.std(drawn, ddof=1))}
        on_all = _probe(read, pool, measured, test.label)
        values |= {f"{probe} {space} all %": value for probe, value in on_all.items()}
    return values


def verdict(values: dict[str, float]) -> str:
    """Whether the codes tell classes better than the raw pixels do, in plain words.

    They do at a budget where the linear probe leads by over one point and over twice its standard error over the draws.
    """
    prefix = "linear codes "
    found = [name[len(prefix) : -2] for name in values if name.startswith(prefix) and name.endswith(" %")]
    better = [budget for budget in found if _leads(values, budget)]
    worse = [budget for budget in found if budget not in better]
    if not better:
        claim = "The codes are no better than raw pixels at any label budget"
    elif not worse:
        claim = "The codes beat raw pixels at every label budget"
    else:
        claim = f"The codes beat raw pixels at {', '.join(better)}, but are no better at {', '.join(worse)}"
    figures = "; ".join(
        f"{budget}: " + ", ".join(f"{space} {values[f'linear {space} {budget} %']:.1f}" for space in SPACES)
        for budget in found
    )
    return f"{claim}. Linear probe, %: {figures}; majority {values['majority %']:.1f}."


def _leads(values: dict[str, float], budget: str) -> bool:
    codes, pixels = f"linear codes {budget} %", f"linear pixels {budget} %"
    error = math.hypot(values.get(f"{codes} sd", 0.0), values.get(f"{pixels} sd", 0.0)) / math.sqrt(DRAWS)
    return values[codes] - values[pixels] > max(1.0, 2 * error)


def budgets(label: np.ndarray) -> list[int]:
    """Those label budgets that the smallest class can give and that stay within ``FIT_ROWS`` images."""
    counts = np.unique(label[label >= 0], return_counts=True)[1]
    return [budget for budget in BUDGETS if budget <= counts.min() and budget * len(counts) <= FIT_ROWS]


def _probe(read: Reader, fit: Images, test: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Accuracies in percent of both probes, fitted to ``fit``, on the rows ``test`` [n, d]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    known = read(fit)
    linear = LogisticRegression(C=1.0, max_iter=STEPS)
    neighbours = min(5, int(np.unique(fit.label, return_counts=True)[1].min()))
    nearest = KNeighborsClassifier(neighbours, algorithm="brute")
    with warnings.catch_warnings():  # the limit on steps is part of the protocol, and so is one label a class
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        linear.fit(known, fit.label)
        nearest.fit(known, fit.label)
    return _judge("linear", linear.predict(test), truth) | _judge("kNN", nearest.predict(test), truth)


def _judge(name: str, answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    right, (classes, counts) = answer == truth, np.unique(truth, return_counts=True)
    values = {name: 100 * float(right.mean())}
    if counts.max() > 1.5 * counts.min():
        values[f"balanced {name}"] = 100 * float(np.mean([right[truth == number].mean() for number in classes]))
    return values


def _alone(model: Model, test: Images) -> dict[str, float]:
    """What needs no probe: the commonest class, and the model's own head if it has one."""
    values = {"majority %": 100 * float(np.unique(test.label, return_counts=True)[1].max()) / len(test)}
    if has(model, Classifies):
        answer = rows_of(model, test, need(model, Classifies).classify).argmax(1)
        values |= {f"{name} %": value for name, value in _judge("head", answer, test.label).items()}
    return values


def _spaces(model: Model, pool: Images, depth: str | None) -> dict[str, Reader]:
    """How images are read in each space that is probed, standardised on the pool."""
    from sklearn.decomposition import PCA

    readers: dict[str, Reader] = {"codes": lambda images: codes(model, images), "pixels": pixels}
    if depth is not None:
        readers[f"features {depth}"] = lambda images: features(model, images, depth)
    known = {space: read(pool) for space, read in readers.items()}
    components = min(50, known["codes"].shape[1], *known["pixels"].shape)
    pca = PCA(components, random_state=0).fit(known["pixels"])
    readers["PCA"], known["PCA"] = lambda images: pca.transform(pixels(images)), pca.transform(known["pixels"])
    return {space: _standardised(read, known[space]) for space, read in readers.items()}


def _standardised(read: Reader, known: np.ndarray) -> Reader:
    """One scale for all columns keeps a space's geometry. A scale for each would blow up dead latents and the pixels
    of an empty rim to the size of everything else: it cost raw digits 2-6 points and PCA 10-20, and flattered the
    codes."""
    mean, sd = known.mean(0), float(np.sqrt(known.var(0).mean())) or 1.0
    return lambda images: (read(images) - mean) / sd
