"""What is known of each image, as one value an image: what maps are coloured by, and what a selection filters by."""

from collections.abc import Callable, Generator, Iterator
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latelier.codes.outlying import NEIGHBOUR
from latelier.codes.rows import tabled
from latelier.core import Classifies, Decodes, Encodes, Weighs, has
from latelier.errors import Refusal
from latelier.explore import passes
from latelier.explore.codes import WaitingError
from latelier.explore.label_files import NUMBERS
from latelier.runs.learned import learned_rows, parted

if TYPE_CHECKING:
    from latelier.explore.opened_run import OpenedRun

PARTS = ("trained on", "held out", "left out")  # of the images of a training; out by --images
LATENTS = 256  # latent dimensions that are offered by name; any other can be asked for


class Column(NamedTuple):
    """One value of every image: its address, what it is, what people call it."""

    name: str
    kind: str  # "class": int32, -1 unknown; "yesno": int8, -1 unknown; "number": float32, NaN unknown
    title: str
    classes: tuple[str, ...] = ()  # of kind "class", by number


class Columns:
    """The columns of an opened run. What takes long is computed in slices, once it is asked for."""

    def __init__(self, opened: "OpenedRun"):
        self._opened = opened
        self._there: dict[str, np.ndarray] = {}
        self._share: dict[str, float] = {}  # of the passes that were begun
        self._failed: dict[str, str] = {}

    def names(self) -> list[Column]:
        """All that can be had of this run, labels first."""
        shown, model = self._opened.shown, self._opened.model
        found = []
        if (shown.label >= 0).any():
            found.append(Column("label", "class", "Label", self._classes(int(shown.label.max()) + 1)))
        notes, _ = self._opened.bench.book.notes()
        if has(model, Encodes) and notes.label:
            found.append(Column("given", "class", "Label given here", tuple(notes.classes)))
            found.append(Column("guess", "class", "Guess from the labels given here", tuple(notes.classes)))
        if len({*self._split.tolist()}) > 1:
            found.append(Column("split", "class", "Part of the training", PARTS))
        if has(model, Encodes):
            clusters = tuple(f"cluster {number}" for number in range(1, passes.CLUSTERS + 1))
            found.append(Column("cluster", "class", "Cluster of codes", clusters))
        if has(model, Classifies):
            found.append(Column("prediction", "class", "Predicted class", self._predicted()))
            found.append(Column("confidence", "number", "Confidence of the prediction"))
            if self._comparable():
                found.append(Column("wrong", "yesno", "Predicted wrongly"))
        if has(model, Encodes) and has(model, Decodes):
            found.append(Column("error", "number", "Reconstruction error (mean square)"))
        if has(model, Encodes):
            found.append(Column("outlier", "number", f"Distance to the {NEIGHBOUR}th nearest code"))
        if has(model, Encodes) and has(model, Weighs):
            found.append(Column("bound", "number", "Negative bound (nats)"))
            found.append(Column("ratio", "number", "Likelihood ratio: bound less complexity (nats)"))
        found += [Column(f"attribute:{name}", "yesno", name) for name in self.attributes()]
        return found + self._latents()

    def attributes(self) -> list[str]:
        """The attributes that the data have and those given on the page."""
        said = self._opened.bench.book.notes()[0].attributes
        return list(dict.fromkeys([*self._opened.shown.attributes, *(name for name, of in said.items() if of)]))

    def attribute(self, name: str) -> np.ndarray:
        """int8 [n], 1, 0 or -1: as the data have it, and where the page has said otherwise, as that."""
        shown, said = self._opened.shown, self._opened.bench.book.notes()[0].attributes.get(name, {})
        found = np.full(len(shown), -1, np.int8)
        if name in shown.attributes:
            found[:] = shown.attribute[:, shown.attributes.index(name)]
        for row, word in said.items():
            found[row] = int(NUMBERS[word])
        return found

    def column(self, name: str) -> Column:
        """The column of that name. Raises Refusal where there is none."""
        for one in self.names():
            if one.name == name:
                return one
        if name.startswith("latent:") and self._number(name) is not None:
            return _latent(*name.split(":")[1:])
        raise Refusal(f'there is no column "{name[:60]}" here; reload the page')

    def values(self, name: str) -> np.ndarray:
        """[n], of every row of the data, in the type of the column's kind. Raises WaitingError while they are computed,
        and Refusal where that fails, or there is no such column."""
        column, shown = self.column(name), self._opened.shown
        if name == "label":
            return shown.label.astype(np.int32)
        if name in ("given", "guess"):
            learned = self._opened.light.learned()
            return (learned.number if name == "given" else learned.predicted).astype(np.int32)
        if name == "split":
            return self._split
        if column.name.startswith("attribute:"):
            return self.attribute(name.partition(":")[2])
        if column.name.startswith("latent:"):
            return self.spread(self._opened.codes.rows()[:, self._number(name)])
        if name == "wrong":
            predicted, label = self._passed("prediction"), shown.label
            known = (predicted >= 0) & (label >= 0)
            return np.where(known, predicted != label, -1).astype(np.int8)
        return self._passed(name)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values [p] of the images that codes are of, as values [n] of all: NaN or -1 where there is no code."""
        nothing: Any = np.nan if values.dtype.kind == "f" else -1
        every = np.full(len(self._opened.shown), nothing, values.dtype)
        every[self._opened.codes.picked] = values
        return every

    @cached_property
    def _split(self) -> np.ndarray:
        """int32 [n]: the number in ``PARTS`` of images that the run was trained with, -1 of others."""
        shown, config = self._opened.shown, self._opened.run.config
        if not shown.fingerprint or shown.fingerprint != config.get("data", {}).get("fingerprint"):
            return np.full(len(shown), -1, np.int32)
        found = np.full(len(shown), PARTS.index("left out"), np.int32)
        found[parted(config, len(shown))[1]] = PARTS.index("held out")
        found[learned_rows(config, shown)] = PARTS.index("trained on")
        return found

    def _passed(self, name: str) -> np.ndarray:
        work = PASSES[name].__name__
        if work not in self._share:
            if work in OF_CODES:
                self._opened.codes.rows()  # waits for them first
            self._share[work] = 0.0
            self._opened.between(self._slices(PASSES[name]))
        if work in self._failed:
            raise Refusal(f"{self.column(name).title} could not be computed: {self._failed[work]}")
        if name not in self._there:
            raise WaitingError(self._share[work])
        return self._there[name]

    def _slices(self, work: "Pass") -> Iterator[None]:
        steps, name = work(self._opened), work.__name__
        while True:
            try:
                self._share[name] = next(steps)
            except StopIteration as end:
                found: dict[str, np.ndarray] = end.value
                full = len(self._opened.shown)
                self._there |= {key: one if len(one) == full else self.spread(one) for key, one in found.items()}
                return
            except (RuntimeError, ValueError, OSError, MemoryError) as error:  # of torch, of images
                self._failed[name] = str(error) or type(error).__name__
                return
            yield

    def _classes(self, count: int) -> tuple[str, ...]:
        return self._opened.shown.classes or tuple(map(str, range(count)))

    def _predicted(self) -> tuple[str, ...]:
        return self._opened.run.card.classes or self._opened.shown.classes

    def _comparable(self) -> bool:
        shown = self._opened.shown
        return bool((shown.label >= 0).any()) and shown.classes == self._predicted()

    def _latents(self) -> list[Column]:
        model = self._opened.model
        if not has(model, Encodes):
            return []
        sizes = [(name, prod(model.latents[name].shape)) for name in tabled(model)]
        return [_latent(name, str(i)) for name, size in sizes for i in range(size)][:LATENTS]

    def _number(self, name: str) -> int | None:
        """Of "latent:NAME:NUMBER" the place in a row of codes; None where there is none."""
        latent, _, number = name.removeprefix("latent:").rpartition(":")
        model, before = self._opened.model, 0
        if not (has(model, Encodes) and number.isascii() and number.isdecimal() and len(number) < 10):
            return None
        for one in tabled(model):
            size = prod(model.latents[one].shape)
            if one == latent:
                return before + int(number) if int(number) < size else None
            before += size
        return None


Pass = Callable[["OpenedRun"], Generator[float, None, dict[str, np.ndarray]]]
PASSES: dict[str, Pass] = {
    **{"prediction": passes.predicted, "confidence": passes.predicted, "error": passes.reconstructed},
    **{"outlier": passes.outlying, "cluster": passes.clustered, "bound": passes.weighed, "ratio": passes.weighed},
}
OF_CODES = (passes.outlying.__name__, passes.clustered.__name__)


def _latent(name: str, number: str) -> Column:
    return Column(f"latent:{name}:{number}", "number", f"Latent {name}[{number}]")
