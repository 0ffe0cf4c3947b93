"""What few labels say of all other images, spread over neighbours among frozen codes, beside neighbours of pixels."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator

from latelier.codes.rows import SIDE, pixels, some
from latelier.core import Encodes, Model
from latelier.data.images import Images
from latelier.data.sources.shares import class_shares
from latelier.errors import Refusal
from latelier.learners.propagation import NEIGHBOURS, blurred, neighbours_graph, propagate
from latelier.scores import probe
from latelier.scores.common import Splits, accuracies, averaged, even, rows_at
from latelier.scores.kept import Kept, digest
from latelier.scores.probe import DRAWS, ELSEWHERE, OWN_LABELS
from latelier.terminal.tables import percent, share

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

needs = (Encodes,)
NEEDS_LABELS = True
LIMIT = 5_000
IMAGES, COLUMNS = 10_000, 300_000  # of the training split in the graph, at most; and times the classes, each a column
BLURRED = 28  # size in px from which on pixels are averaged
PIECE = 1_000  # images copied at once
OWN = "own labels"  # a budget: exactly the labels that the run learned from
PROTOCOL = (
    f"Accuracy on test images of label propagation (Zhou et al. 2004; alpha .99) over a graph of "
    f"{NEIGHBOURS} nearest neighbours by cosine, of at most {IMAGES:,} training images (fewer where classes are many: "
    f"{COLUMNS:,} by their number), drawn ones among them however many, and the test images, whose labels are not "
    "read: they are known together, not one by one (transductive). Labels as the "
    f"score probe draws them: 1, 5, 10 and 100 a class as far as there are, mean and sd over draws 0 to {DRAWS - 1}, "
    "none fewer than the run learned from; and, by themselves, exactly those. Classes weigh the same (prior=even), or "
    "are named as often as all labels of the training split (prior=labels) or a file says. Spaces: the most likely "
    f"codes, centred; raw pixels, averaged down to at most {SIDE} x {SIDE} px, and from {BLURRED} px on over 3x3 with "
    "stride 2. Head: the model's own classifier. Majority: the commonest class."
)
GRAPHS = Kept["csr_matrix"](4)  # of pixels


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    prior: str = "even",
    labels: int | None = None,
    draws: int = DRAWS,
    first: int = 0,
    depth: str | None = None,
    neighbours: int = NEIGHBOURS,
    images: int | None = None,
) -> dict[str, float]:
    """Accuracies in percent, named "propagation SPACE BUDGET %"; balanced too where a test class is over 1.5 times
    another. ``prior`` is even, labels or a CSV file with the columns class and share; ``labels`` a class in place of
    the probe's budgets; seeds of ``draws`` begin at ``first``; ``depth`` adds the features there as a space, or is
    "pixels", which leaves the codes out. ``generator`` is not used. Raises Refusal for options out of range, an unknown
    depth, and labels of fewer than two classes."""
    if min(draws, neighbours, 1 if images is None else images) < 1 or first < 0 or (labels is not None and labels < 1):
        raise Refusal(
            f"propagation: labels {labels}, draws {draws}, neighbours {neighbours} and images {images} must be above 0 "
            f"and first {first} at least 0"
        )
    test, label = some(data.test, len(data.test), 0, labelled=True), data.fit.label
    known = np.unique(label[label >= 0])
    if len(test) == 0 or len(known) < 2:
        source = data.fit.source or "these images"
        raise Refusal(f"propagation: {source} must have labels of two or more classes to fit, and labels to test on")
    names = data.fit.classes or tuple(map(str, range(known.max() + 1)))
    shares, drawn = class_shares(prior, names, label), _drawn(data, labels, range(first, first + draws))
    most = min(IMAGES, COLUMNS // len(names)) if images is None else images
    rows = joined(len(label), [row for found in drawn.values() for row in found], most)
    values = probe.alone(model, test)
    for space in [depth] if depth == "pixels" else ["codes", *([depth] if depth else []), "pixels"]:
        own = {
            name: found for name, found in drawn.items() if space == "pixels" or len(found[0]) >= data.labels_learned
        }
        if not own:
            continue
        if space == "pixels":
            graph = pixel_graph(data.fit, rows, test, neighbours)
        else:
            at = None if space == "codes" else space
            read = [rows_at("propagation", model, piece, at) for piece in _pieces(data.fit, rows, test)]
            graph = neighbours_graph(np.concatenate(read), neighbours)
        for budget, found in own.items():
            answers = [
                propagate(graph, known_among(rows, row, label, len(test)), len(names), prior=shares)[
                    len(rows) :
                ].argmax(1)
                for row in found
            ]
            named = space if space in ("codes", "pixels") else f"features {space}"
            values |= averaged(named, budget, [accuracies("propagation", one, test.label) for one in answers])
    return values | (
        {OWN_LABELS if data.labelled_rows is not None else ELSEWHERE: float(data.labels_learned)}
        if data.labels_learned
        else {}
    )


def verdict(values: dict[str, float], n: int) -> str:
    """Whether codes serve better than pixels do, and whether the run's own classifier, if it has one, does better than
    propagation from the same labels, on n images, in plain words."""
    of = {space: _budgets(values, space) for space in ("codes", "pixels")}
    found = [budget for budget in of["codes"] if budget != OWN]
    better = [budget for budget in found if probe.leads(values, budget, n, "propagation")]
    worse = [budget for budget in found if budget not in better]
    if not found:
        claim = "Codes and pixels were not compared: the run learned from more labels, or codes were not asked for"
    elif ELSEWHERE in values:
        claim = "The run learned from labels of other images as well, so its codes prove nothing here"
    elif not better:
        claim = "Labels spread no better over neighbours among the codes than over those of pixels at any label budget"
    elif not worse:
        claim = "Labels spread better over neighbours among the codes than over those of pixels at every label budget"
    else:
        claim = (
            f"Labels spread better over neighbours among the codes than over those of pixels at {', '.join(better)}, "
            f"but no better at {', '.join(worse)}"
        )
    pairs = "; ".join(
        f"{budget}: "
        + ", ".join(_figure(values, n, space, budget) for space in ("codes", "pixels") if budget in of[space])
        for budget in of["pixels"]
    )
    majority = share(values["majority %"], n)
    majority += f" (balanced {share(values['balanced majority %'], n)})" if even(values) else ""
    return f"{claim}.{_classified(values, n)} Label propagation, %: {pairs}; majority {majority}."


def _figure(values: dict[str, float], n: int, space: str, budget: str) -> str:
    name = f"propagation {space} {budget} %"
    balanced = f"balanced {name}"
    even = f" (balanced {share(values[balanced], n)})" if balanced in values else ""
    return f"{space} {share(values[name], n)}{even}"


def _classified(values: dict[str, float], n: int) -> str:
    """The run's own classifier beside propagation from the same labels."""
    if f"propagation pixels {OWN} %" not in values or "head %" not in values:
        return ""
    labels, own, rival = values[OWN_LABELS], values["head %"], values[f"propagation pixels {OWN} %"]
    margin = max(1.0, 2 * probe.sampling_error(own, n))
    ahead = "less right than" if own < rival else "more right than"
    if abs(own - rival) <= margin:
        ahead = "about as right as"
    return (
        f" From the same {labels:,.0f} labels the run's own classifier is {ahead} label propagation on pixels: "
        f"{share(own, n)} and {percent(rival, n)}."
    )


def _budgets(values: dict[str, float], space: str) -> list[str]:
    prefix = f"propagation {space} "
    return [name[len(prefix) : -2] for name in values if name.startswith(prefix) and name.endswith(" %")]


def _drawn(data: Splits, labels: int | None, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """Budget -> for each draw the rows whose labels are known."""
    found = {
        f"{budget}/class": probe.draws(data.fit.label, budget, data.labelled_rows, seeds)
        for budget in (probe.budgets(data) if labels is None else [labels])
    }
    return found | ({OWN: [data.labelled_rows]} if data.labelled_rows is not None and len(data.labelled_rows) else {})


def joined(count: int, drawn: Sequence[np.ndarray], most: int) -> np.ndarray:
    """Rows of the graph out of ``count``, sorted: those drawn, and others up to ``most``."""
    chosen = np.unique(np.concatenate([np.empty(0, np.int64), *drawn]))
    others = np.setdiff1d(np.arange(count), chosen)
    more = np.random.default_rng(0).permutation(others)[: max(0, most - len(chosen))]
    return np.sort(np.concatenate([chosen, more]))


def known_among(rows: np.ndarray, drawn: np.ndarray, label: np.ndarray, others: int) -> np.ndarray:
    """Labels of the graph's ``rows`` (sorted, into ``label``), -1 where not ``drawn``; then this many ``others``
    without."""
    given = np.full(len(rows) + others, -1)
    given[np.searchsorted(rows, drawn)] = label[drawn]
    return given


def pixel_graph(fit: Images, rows: np.ndarray, test: Images, neighbours: int = NEIGHBOURS) -> "csr_matrix":
    """The graph of the pixels (``pixels_of``) of those rows, then of ``test``. It is kept for the next run scored."""
    mark = tuple(digest(piece) for piece in _pieces(fit, rows, test))

    def graph() -> "csr_matrix":
        read = [pixels_of(piece) for piece in _pieces(fit, rows, test)]
        return neighbours_graph(np.concatenate(read), neighbours, centre=False)

    return GRAPHS.get((neighbours, *mark), graph)


def _pieces(fit: Images, rows: np.ndarray, test: Images) -> Iterator[Images]:
    """Images, as many at a time as can be copied without filling memory."""
    yield from (fit.take(rows[start : start + PIECE]) for start in range(0, len(rows), PIECE))
    yield test


def pixels_of(images: Images) -> np.ndarray:
    """Pixels in [0, 1], ``blurred`` from images of ``BLURRED`` px on: float32 [n, d]."""
    c, height, width = images.shape
    rows = torch.from_numpy(pixels(images)).unflatten(1, (c, min(height, SIDE), min(width, SIDE)))
    return blurred(rows, BLURRED, padded=False).flatten(1).numpy()
