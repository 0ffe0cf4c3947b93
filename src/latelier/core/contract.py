"""What a model is, in five nouns and one verb; what it can do beside that stands in ``capabilities``.

A model is an ``nn.Module`` that declares its latents, hands its weights to players, and offers moves. A move looks at a
batch and says what each player wants smaller; the trainer differentiates, averages, clips and steps. What a finished
model can do, its capabilities say: scores, images, verbs and the explorer ask for those, never for a model by name.

Shapes: b images, c channels, h w pixels, a attributes, t tokens, k latent dimensions, s samples, p parts of d numbers.
Units: images are floats in [0, 1]; log-densities are nats an image, summed over everything but the batch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Generator, Tensor, nn

from latelier.core.lacking import instead
from latelier.errors import Refusal
from latelier.rules.finding import Finding
from latelier.rules.shared import usual

C = TypeVar("C")
PADDING, END, UNKNOWN = 0, 1, 2  # token numbers of captions; UNKNOWN stands for all words outside the vocabulary
EPOCHS = 20  # that a run has by default, within the bounds of its method's schedule
SMALL = 32 * 32  # pixels; of smaller images a step costs less and brings less, so that a run has up to 4 times as many
UNKNOWN_FACTORS, UNKNOWN_TRUTH = torch.zeros(0, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)


class Batch(NamedTuple):
    """What a move looks at. What is unknown is a sentinel, never ``None``: the graph has one form on every batch."""

    image: Tensor  # [b, c, h, w] float in [0, 1]
    index: Tensor  # type: ignore[assignment]  # [b] int64, row of the data set (hides tuple.index); for per-image memories
    label: Tensor  # [b] int64, class number; -1 = unknown
    attribute: Tensor  # [b, a] int64, 1 or 0; -1 = unknown
    caption: Tensor  # [b, t] int64 token numbers; a row of PADDING = no caption
    factor: Tensor = UNKNOWN_FACTORS  # [b, f] int64, level of each known factor; f = 0 where none is known
    truth: Tensor = UNKNOWN_TRUTH  # [b] int64, labels, hidden ones included, for reports alone; or [0]: none is known


@dataclass(frozen=True)
class Latent:
    """What one named group of latent variables is: ``shape`` without the batch, and the kind of its prior."""

    shape: tuple[int, ...]
    kind: Literal["gaussian", "uniform", "bernoulli", "categorical", "point"] = "gaussian"


Code = dict[str, Tensor]  # name of a latent -> [b, *latents[name].shape]


class Progress(NamedTuple):
    """Where training stands. Every schedule is a function of it; nothing random is ever saved."""

    seen: int  # images shown so far, over all processes
    total: int  # images in the whole run
    generator: Generator  # seeded from (seed, part, seen) before each step; all of its moves' noise comes from here
    notes: dict[str, Tensor] | None = None  # what a move leaves to the step's later ones; None: nothing is kept
    images: int = 0  # that batches are drawn from: what a mixture over all of them is made of; 0: no more than a batch


FINAL = 1 << 52  # images after which every schedule stands at its end: what validation and monitors go by


class Losses(NamedTuple):
    """What a move answers."""

    minimise: dict[str, Tensor]  # player -> scalar; its gradient reaches that player and no other
    report: dict[str, Tensor]  # term -> [b], one value an image: what logs, plots and tests read
    code: Code | None = None  # the codes drawn for batch.image, if the move has drawn some: label heads learn on them
    # Where codes depend on draws that no gradient passes: a loss [b] of the code -> ``minimise`` with it added to the
    # coder's and to what the draws are rewarded for. Elsewhere none: adding is enough.
    join: Callable[[Tensor], dict[str, Tensor]] | None = None


Move = Callable[[Batch, Progress], Losses]


@dataclass(frozen=True)
class Optimiser:
    """One player's optimiser. ``rate`` is the step at full strength; warm-up and decay multiply it."""

    kind: Literal["adam", "sgd", "rmsprop", "adagrad"] = "adam"
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)  # adam's two; sgd takes the first as momentum
    weight_decay: float = 0.0


class Metric(NamedTuple):
    """What checkpoints are compared by: a term of validation's report, or a measure of them."""

    name: str
    higher: bool = False  # whether more is better
    words: str = ""  # what it is, for a person to whom its name says nothing


@dataclass(frozen=True)
class Schedule:
    """How a method trains unless the user says otherwise; chosen by measurement (docs/defaults.md)."""

    steps: int = 2000  # at least this many, however few the images are; up to four times them for small or many images
    batch: int = 64
    decay: Literal["none", "linear", "cosine", "steps"] = "linear"
    ema: float = 0.0  # half-life of averaged weights, as a share of the run; 0 for none

    def length(self, images: int, batch: int, pixels: int) -> int:
        """Steps of a run over this many images, of this many pixels, in batches of this many."""
        least = self.steps * min(4, max(1, SMALL // pixels))
        return min(max(least, math.ceil(EPOCHS * images / batch)), 4 * self.steps)


class Model(nn.Module, ABC):
    """What every method is: in its file a final subclass ``Model``, built as ``Model(config, image=(c, h, w))``, and a
    frozen dataclass ``Config``."""

    latents: dict[str, Latent]
    players: dict[str, list[nn.Module | nn.Parameter]]  # a partition of the weights
    image: tuple[int, int, int]  # (c, h, w) of the images it was built for
    schedule: Schedule = Schedule()
    higher: tuple[str, ...] = ()  # terms of its report, and measures, of which more is better; less is, of all others

    @abstractmethod
    def moves(self) -> tuple[Move, ...]:
        """What is played on each batch, in order. Empty for a model that is fitted in closed form (``Fits``)."""

    def optimisers(self) -> dict[str, Optimiser]:
        """Each player's optimiser as its source has it; Adam at 1e-3 where the source is silent."""
        return {player: Optimiser() for player in self.players}

    def monitor(self) -> Metric:
        """What validation judges a checkpoint by: what the method is for, at the final weights of all terms, and never
        a game's loss. ``loss`` is the sum of what the players minimise."""
        return Metric("loss")

    def tells(self, labelled: int, captioned: int) -> bool:
        """Whether validation images of which this many are labelled and captioned say anything of ``monitor``."""
        return True

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        """Ratios and weighted sums of means of the report's terms over validation images, where these are there."""
        return {}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        """What means of the report's terms warn of after this many images, in plain words; training says each once."""
        return []

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """What facts (``latelier.verdict.facts``) say of a trained model, most important first; by default by shared
        rules."""
        return usual(facts)


class Wrapper(Model, ABC):
    """A model around a model: adds players, terms or capabilities. ``need`` and ``has`` look through it."""

    inner: Model


def innermost(model: nn.Module) -> nn.Module:
    """The model inside all wrappers."""
    return innermost(model.inner) if isinstance(model, Wrapper) else model


def has(model: nn.Module, capability: type) -> bool:
    """Whether the model, or what it wraps, has the capability."""
    return isinstance(model, capability) or (isinstance(model, Wrapper) and has(model.inner, capability))


def need(model: nn.Module, capability: type[C]) -> C:
    """The outermost part of the model that has the capability. Raises ``Refusal`` when none has it."""
    if isinstance(model, capability):
        return model
    if isinstance(model, Wrapper):
        return need(model.inner, capability)
    raise Refusal(instead(type(model), capability))


def missing(model: nn.Module, capabilities: Sequence[type]) -> list[type]:
    """Those of the capabilities that the model lacks."""
    return [capability for capability in capabilities if not has(model, capability)]
