"""What frozen codes know about labels: linear and kNN probes at label budgets, beside raw pixels and their PCA."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Generator

from latelier.codes.rows import SIDE, codes, features, pixels, rows_of, some, tabled
from latelier.core import Classifies, Encodes, Model, has, need
from latelier.data.images import Images
from latelier.data.subsets import labelled_rows
from latelier.errors import Refusal
from latelier.learners import regression
from latelier.learners.neighbours import nearest
from latelier.learners.space import COMPONENTS, principal, scaling
from latelier.scores.common import Splits, accuracies, averaged, constant, even
from latelier.scores.kept import Kept, digest
from latelier.terminal.tables import share

needs = (Encodes,)
NEEDS_LABELS = True
LIMIT = 5_000
BUDGETS = (1, 5, 10, 100)  # labels a class
DRAWS = 5
TOP, MANY = 5, 20  # from MANY classes on there is also the accuracy of the TOP most probable ones
FIT_ROWS, FEWEST, MACHINES = 5_000, 1_000, 100_000  # images to fit on; and images times classes
PROTOCOL = (
    "Accuracy on test images of probes that learn from 1, 5, 10 and 100 labels a class of the training split, as "
    f"far as it has them (mean and sd over label draws 0 to {DRAWS - 1}, the same in every space), and from all of "
    f"at most {FIT_ROWS:,} of its labelled images (fewer where classes are many: {MACHINES:,} by their number, but at "
    f"least {FEWEST:,}). Of a run that learned from labels itself every probe learns from "
    "those and, where its budget is larger, from more; budgets below are left out. Linear: logistic regression, C = 1, "
    "converged. kNN: Euclidean, k = 5, or the labels a class where fewer. Spaces: the most likely codes; raw pixels, "
    f"averaged down to at most {SIDE} x {SIDE} px; PCA of those pixels to the width of the code, at most {COMPONENTS}. "
    "Each is standardised on all of those images without their labels: centred, and scaled by one number for the whole "
    f"space. Head: the model's own classifier; of {MANY} classes or more its top-5 too. Majority: the commonest class."
)
OWN_LABELS, ELSEWHERE = "labels learned from", "labels of other images learned from"

Reader = Callable[[Images], np.ndarray]  # n images -> float32 [n, d]
SPACES = ("codes", "pixels", "PCA")  # always probed
BASELINES = Kept[dict[str, float]](1_000)  # what pixels and PCA reached


def score(model: Model, data: Splits, generator: Generator, *, depth: str | None = None) -> dict[str, float]:
    """Accuracies in percent, named "PROBE SPACE BUDGET %"; balanced too where a test class is over 1.5 times another.

    ``depth`` adds the features at that depth as a space. ``generator`` is not used: the draws are fixed, so that runs
    can be compared. Raises Refusal without labels of at least two classes."""
    test, pool = some(data.test, LIMIT, 0, labelled=True), pool_of(data)
    if len(test) == 0 or len(np.unique(pool.label)) < 2:
        source = data.fit.source or "these images"
        raise Refusal(
            f"probe: {source} must have labels of two or more classes to fit, and labels to test on; add them"
        )
    drawn = {
        budget: [data.fit.take(rows) for rows in draws(data.fit.label, budget, data.labelled_rows)]
        for budget in budgets(data)
    }
    values = alone(model, test)
    for space in _spaces(model, pool, test, depth):
        for budget, fits in drawn.items():
            values |= averaged(space.name, f"{budget}/class", [space.probe(fit) for fit in fits])
        if len(pool) >= data.labels_learned:
            values |= averaged(space.name, "all", [space.probe(pool)])
    return values | (
        {OWN_LABELS if data.labelled_rows is not None else ELSEWHERE: float(data.labels_learned)}
        if data.labels_learned
        else {}
    )


def verdict(values: dict[str, float], n: int) -> str:
    """Whether the codes predict classes better than the raw pixels do on n images, in plain words: they do at a budget
    where the linear probe ``leads``."""
    prefix = "linear codes "
    found = [name[len(prefix) : -2] for name in values if name.startswith(prefix) and name.endswith(" %")]
    better = [budget for budget in found if leads(values, budget, n)]
    worse = [budget for budget in found if budget not in better]
    own, elsewhere = (f"{values.get(name, 0):,.0f}" for name in (OWN_LABELS, ELSEWHERE))
    if not found:
        many = own if OWN_LABELS in values else elsewhere
        return f"The run learned from {many} labels, more than the probes do: its codes are not compared with pixels."
    if ELSEWHERE in values:
        claim = f"The run learned from {elsewhere} labels of other images as well, so its codes prove nothing here"
    elif not better:
        claim = "The codes are no better than raw pixels at any label budget"
    elif not worse:
        claim = "The codes beat raw pixels at every label budget"
    else:
        claim = f"The codes beat raw pixels at {', '.join(better)}, but are no better at {', '.join(worse)}"
    by = even(values)
    figures = "; ".join(
        f"{budget}: " + ", ".join(f"{space} {share(values[f'{by}linear {space} {budget} %'], n)}" for space in SPACES)
        for budget in found
    )
    said = f" The run learned from {own} labels, and so does every probe at least." if OWN_LABELS in values else ""
    return f"{claim}.{said} Linear probe, {by}%: {figures}; majority {share(values[f'{by}majority %'], n)}."


def leads(values: dict[str, float], budget: str, n: int, kind: str = "linear") -> bool:
    """Whether codes are ``ahead`` of pixels at a budget, on n images; balanced where classes are uneven."""
    own, rival = (f"{even(values)}{kind} {space} {budget} %" for space in ("codes", "pixels"))
    return ahead(values, own, rival, n)


def ahead(values: dict[str, float], own: str, rival: str, n: int) -> bool:
    """Whether one of these percentages of n images is above another by over one point and over twice its standard
    error, of the draws of labels and of the images."""
    draws = math.hypot(values.get(f"{own} sd", 0.0), values.get(f"{rival} sd", 0.0)) / math.sqrt(DRAWS)
    error = math.hypot(draws, sampling_error(values[own], n))
    return values[own] - values[rival] > max(1.0, 2 * error)


def sampling_error(right: float, n: int) -> float:
    """Of a percentage of n images, in points, as if two more of these had gone either way."""
    share = (right / 100 * n + 1) / (n + 2)
    return 100 * math.sqrt(share * (1 - share) / (n + 2))


def most(label: np.ndarray) -> int:
    """Labelled images to fit on: fewer where there are many classes, each of which is a machine."""
    return min(FIT_ROWS, max(FEWEST, MACHINES // max(1, len(np.unique(label[label >= 0])))))


def pool_of(data: Splits) -> Images:
    """At most ``most`` labelled images to fit on, those whose labels the model learned from among them."""
    rows, limit = np.flatnonzero(data.fit.label >= 0), most(data.fit.label)
    labelled = data.labelled_rows if data.labelled_rows is not None else rows[:0]
    if len(rows) <= limit or not 0 < len(labelled) <= limit:
        return some(data.fit, limit, 0, labelled=True)
    others = np.random.default_rng(0).choice(np.setdiff1d(rows, labelled), limit - len(labelled), replace=False)
    return data.fit.take(np.sort(np.concatenate([labelled, others])))


def budgets(data: Splits) -> list[int]:
    """Those label budgets that the smallest class can give, that stay within ``most`` images and are no fewer
    labels than the model learned from; that of its own labels among them, if it had as many of each class."""
    label = data.fit.label
    known, counts = np.unique(label[label >= 0], return_counts=True)
    wanted = set(BUDGETS)
    if data.labelled_rows is not None and len(data.labelled_rows):
        own = np.unique(label[data.labelled_rows], return_counts=True)[1]
        if len(own) == len(known) and own.min() == own.max() < counts.min():
            wanted.add(int(own[0]))
    return sorted(
        budget
        for budget in wanted
        if budget <= counts.min() and data.labels_learned <= budget * len(known) <= most(data.fit.label)
    )


def draws(
    label: np.ndarray, budget: int, labelled: np.ndarray | None, seeds: Sequence[int] = range(DRAWS)
) -> list[np.ndarray]:
    """Rows of ``budget`` images of each class, for each seed. Those that the model learned from, ``labelled``, are in
    each; one draw is all there is where there are no others."""
    if labelled is None or not len(labelled):
        return [labelled_rows(label, budget, seed) for seed in seeds]
    known, found = np.unique(label[label >= 0]), []
    have = {number: np.sort(labelled[label[labelled] == number])[:budget] for number in known}
    for seed in seeds:
        rows = []
        for number, own in have.items():
            others = np.setdiff1d(np.flatnonzero(label == number), own)
            more = np.random.default_rng([seed, int(number)]).choice(others, budget - len(own), replace=False)
            rows += [own, more]
        found.append(np.sort(np.concatenate(rows)))
    return found[:1] if all(len(own) == budget for own in have.values()) else found


@dataclass(frozen=True)
class Space:
    """One way to read images, standardised on the pool. Whatever is made, is made when it is asked for, and once."""

    name: str
    make: Callable[[], Reader]  # before it is standardised
    pool: Images
    test: Images
    kept: Hashable = None  # where no model has a part in it: by what its answers are kept

    @cached_property
    def read(self) -> Reader:
        """The space as probes see it, on one scale."""
        read = self.make()
        scale = scaling(read(self.pool))
        return lambda images: scale(read(images))

    @cached_property
    def measured(self) -> np.ndarray:
        """The test images, [n, d]."""
        return self.read(self.test)

    def probe(self, fit: Images) -> dict[str, float]:
        """Accuracies in percent of both probes, fitted to ``fit``."""
        if self.kept is None:
            return self._probe(fit)
        return BASELINES.get((self.kept, digest(fit)), lambda: self._probe(fit))

    def _probe(self, fit: Images) -> dict[str, float]:
        known, truth = self.read(fit), self.test.label
        linear = regression.fit(known, fit.label)
        neighbours = min(5, int(np.unique(fit.label, return_counts=True)[1].min()))
        measured = self.measured
        answers = {"linear": linear.predict(measured), "kNN": nearest(known, fit.label, measured, neighbours)}
        return {
            key: value for name, answer in answers.items() for key, value in accuracies(name, answer, truth).items()
        }


def alone(model: Model, test: Images) -> dict[str, float]:
    """What needs no probe: the commonest class, and the model's own head if it has one."""
    values = constant(test.label)
    if has(model, Classifies):
        answer = rows_of(model, test, need(model, Classifies).classify)
        values |= {f"{name} %": value for name, value in accuracies("head", answer.argmax(1), test.label).items()}
        if answer.shape[1] >= MANY:
            among = (np.argpartition(answer, -TOP, axis=1)[:, -TOP:] == test.label[:, None]).any(1)
            values["head top-5 %"] = 100 * float(among.mean())
    return values


def components(model: Model, pool: Images) -> int:
    """Of the PCA: as many as the code has numbers, at most ``COMPONENTS``."""
    c, h, w = pool.shape
    width = sum(math.prod(model.latents[name].shape) for name in tabled(model))
    return min(COMPONENTS, width, len(pool), c * min(h, SIDE) * min(w, SIDE))


def _spaces(model: Model, pool: Images, test: Images, depth: str | None) -> list[Space]:
    """The spaces that are probed. What pixels and their PCA reach is kept for the next run that is scored."""
    width, mark = components(model, pool), (digest(pool), digest(test))

    def projected() -> Reader:
        pca = principal(pixels(pool), width)
        return lambda images: pca.transform(pixels(images))

    found = [
        Space("codes", lambda: lambda images: codes(model, images), pool, test),
        Space("pixels", lambda: pixels, pool, test, ("pixels", *mark)),
        Space("PCA", projected, pool, test, (width, *mark)),
    ]
    if depth is not None:
        found.insert(2, Space(f"features {depth}", lambda: lambda images: features(model, images, depth), pool, test))
    return found
