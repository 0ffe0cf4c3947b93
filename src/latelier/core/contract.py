"""The contract every model keeps: five nouns and one verb.

A model is an ``nn.Module`` that declares its latents, hands its weights to players, and offers moves. A move looks at a
batch and says what each player wants smaller; the trainer differentiates, averages, clips and steps. What a finished
model can do, its capabilities say: scores, pictures, verbs and the explorer ask for those, never for a model by name.

Shapes: b images, c channels, h w pixels, a attributes, t tokens, k numbers of a code, s samples, p parts of d numbers.
Units: images are floats in [0, 1]; log-densities are nats an image, summed over everything but the batch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from torch import Generator, Tensor, nn

from latelier.core.lacking import instead


class Refusal(ValueError):
    """Bad input from the user, in one line: what was given, what was expected, what to do. The command exits 2."""


class Failed(RuntimeError):
    """A training whose model is of no use: what happened and what to do, in one line. The command exits 1."""


class Finding(NamedTuple):
    """One sentence of a verdict on a run."""

    level: Literal["good", "note", "warning", "failure"]
    text: str


C = TypeVar("C")
PADDING, END, UNKNOWN = 0, 1, 2  # token numbers of captions; UNKNOWN stands for all words outside the vocabulary
EPOCHS = 20  # that a run has by default, within the bounds of its method's schedule
SMALL = 32 * 32  # pixels; of smaller images a step costs less and teaches less, so that a run has up to 4 times as many
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
    notes: dict[str, Tensor] | None = None  # what a move leaves to the step's later ones; none: nobody keeps any


FINAL = 1 << 52  # images after which every schedule stands at its end: what validation and monitors go by


class Losses(NamedTuple):
    """What a move answers."""

    minimise: dict[str, Tensor]  # player -> scalar; its gradient reaches that player and nobody else
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
    """What tells a good checkpoint from a bad one: a term of validation's report, or a measure of them."""

    name: str
    higher: bool = False  # whether more is better
    words: str = ""  # what it is, for a person to whom its name says nothing


@dataclass(frozen=True)
class Schedule:
    """How a method trains unless the user says otherwise; chosen by measurement (docs/defaults.md)."""

    steps: int = 2000  # at least so many, however few the images are; up to four times them for small or many images
    batch: int = 64
    decay: Literal["none", "linear", "cosine", "steps"] = "linear"
    ema: float = 0.0  # half-life of averaged weights, as a share of the run; 0 for none

    def length(self, images: int, batch: int, pixels: int) -> int:
        """Steps of a run over so many images, of so many pixels, in batches of so many."""
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

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        """Ratios and weighted sums of means of the report's terms over validation images, where these are there."""
        return {}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        """What means of the report's terms warn of after so many images, in plain words; training says each once."""
        return []

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """What facts (``latelier.verdict.facts``) say of a trained model, most important first; by default by shared
        rules."""
        from latelier.rules.rules import usual  # they are made of this module's words

        return usual(facts)


class Posterior(ABC):
    """q(z | x) for a batch. A hierarchy samples downwards inside ``sample``: the caller never sees the chain."""

    @abstractmethod
    def mode(self) -> Code:
        """The most likely code; deterministic. What ``latelier encode`` writes."""

    @abstractmethod
    def sample(self, generator: Generator) -> Code:
        """One draw for each image, differentiable where the mathematics allows."""

    def alike(self, generator: Generator) -> Code | None:
        """The same by one noise for all, so that no draw hangs on batch mates; None: take one image at a time."""
        return None

    def rate(self) -> Code:
        """KL(q(z_j | x) || p(z_j)) in nats, one value a latent number: [b, *shape]. Traversals are ordered by it, and
        active units counted. Empty for a posterior without a density."""
        return {}


class Capability(ABC):
    """Base of all capabilities: abstract methods only, so that ``isinstance`` is exact."""


class Encodes(Capability):
    """Knows codes of images."""

    coder: str = "model"  # the player that owns the encoder's weights: who learns from a label head
    label_weight: float | None = None  # of a label head's loss beside the model's own; none: by the number of pixels
    labelled: float = 0.5  # share of every batch that a label head wants from the labelled images
    read: tuple[str, ...] = ()  # latents that heads, probes and tables of codes read; by default all
    averaged: int = 0  # draws over which readers average, where the most likely code is not typical; 0: they read that

    @abstractmethod
    def encode(self, image: Tensor) -> Posterior:
        """image [b, c, h, w] in [0, 1]."""


class Decodes(Capability):
    """Draws the image of a code."""

    @abstractmethod
    def decode(self, code: Code) -> Tensor:
        """Mean image [b, c, h, w] in [0, 1]; a code that stops at an upper level is filled in from the prior."""


class Samples(Capability):
    """Has a prior."""

    @abstractmethod
    def sample_prior(self, n: int, generator: Generator) -> Code:
        """n codes drawn from p(z), on the model's device."""


class HasLevels(Capability):
    """Has a hierarchy of codes, in which each level draws all below it, down to the image."""

    @abstractmethod
    def levels(self) -> tuple[str, ...]:
        """Names of the latents, from the image upwards."""

    @abstractmethod
    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        """The code, which may stop at any level, with all levels below: their conditional means, or draws with a
        generator."""


class Judges(Capability):
    """Has a critic that sees images together with their codes."""

    @abstractmethod
    def embed(self, image: Tensor, code: Code) -> Tensor:
        """[b, d], the critic's last hidden layer, without its noise."""


class Features(Capability):
    """Gives the activations of its trunk, frozen, at a named depth."""

    @abstractmethod
    def depths(self) -> tuple[str, ...]:
        """Names of the depths, from the image upwards."""

    @abstractmethod
    def features(self, image: Tensor, depth: str) -> Tensor:
        """[b, d], flattened. Raises ``Refusal`` for an unknown depth."""


class HasStages(Features):
    """Has a trunk in stages that can be trained again by themselves: features at a depth are the stages up to it."""

    @abstractmethod
    def stages(self) -> dict[str, nn.Module]:
        """The model's own modules, by the names of ``depths()``; the first takes images [b, c, h, w] in [0, 1]."""


class Parts(NamedTuple):
    """Where parts are and what they look like."""

    occurrence: Tensor  # [b, p, h, w] probability that part p is at that cell of a grid over the image
    appearance: Tensor  # [b, p, d] one vector a part and image


class HasParts(Capability):
    """Explains an image by parts: a code holds their ``occurrence`` [b, p, h, w] in [0, 1] and their ``appearance``."""

    @abstractmethod
    def parts(self, image: Tensor) -> Parts:
        """Deterministic: probabilities, on the code's grid or a finer one, and most likely appearances."""

    def repainted(self, code: Code, source: Code, part: int, by: int) -> Code:
        """The codes with the appearance of ``part`` replaced by that of part ``by`` of the source: codes of as many
        images, or one for all. Where parts occur stays, and so does every other appearance. Here they are [b, p, d]."""
        appearance = code["appearance"].clone()
        appearance[:, part] = source["appearance"][:, by]
        return {**code, "appearance": appearance}


class Clusters(Capability):
    """Sorts images into categories that it found by itself."""

    @abstractmethod
    def clusters(self, image: Tensor) -> Tensor:
        """[b, k] probabilities of the categories; of none, [b, 0]."""


class HasFilters(Capability):
    """Has first weights that can be seen as small pictures."""

    @abstractmethod
    def filters(self) -> Tensor:
        """[n, c, h, w], one picture a unit of the first layer, in the units' order; any range."""


class Unpools(Capability):
    """Draws from maps on which each value stands at one position of its block."""

    @abstractmethod
    def unpooled(self, image: Tensor) -> Tensor:
        """[b, maps, h, w]: the lowest maps of the most likely code of images [b, c, h, w], 0 where no value stands."""


class Weighs(Capability):
    """Has a joint density, so that the evidence can be bounded and estimated."""

    pixels: Literal["continuous", "binary"] = "continuous"  # p(x | z) is a density on [0, 1], or a chance of 0 and 1

    @abstractmethod
    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        """[s, b]: log p(x, z) - log q(z | x) in nats for z ~ q(z | x). Its mean is the ELBO, its logmeanexp IWAE."""


class Classifies(Capability):
    """Tells classes."""

    @abstractmethod
    def classify(self, image: Tensor) -> Tensor:
        """[b, classes] probabilities."""


class Decides(Capability):
    """Tells how sure it is of a class, given all codes that an image may have."""

    @abstractmethod
    def decide(self, image: Tensor, draws: int, generator: Generator) -> Tensor:
        """[draws, b, classes]: scores for draws of the code; the class is the one with the largest mean."""

    @abstractmethod
    def likeliest(self, image: Tensor) -> Tensor:
        """[b, classes] probabilities from the most likely code alone, where nothing can be drawn."""


class Directions(NamedTuple):
    """Linear classifiers of attributes on codes: log-odds are the sum of ``weight`` times the code, plus ``bias``. What
    tells an attribute best need not be what draws it, so an edit may go another way than the weight."""

    names: tuple[str, ...]
    weight: Code  # name of a latent -> [a, *shape]
    bias: Tensor  # [a]
    unit: float = 1.0  # length in the code of a step of 1 along a weight: a standard deviation
    step: Code | None = None  # as ``weight``: what an edit by 1 adds to the code; none: ``unit`` along the weight


class Written(NamedTuple):
    """Captions of a batch, and how likely each is."""

    token: Tensor  # [b, t] int64 token numbers up to END, then PADDING
    log_probability: Tensor  # [b] nats


class Captions(Capability):
    """Writes captions from codes, and tells how likely captions are."""

    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """By token number: padding, end and unknown, then the words of its vocabulary."""

    @abstractmethod
    def log_caption(self, code: Code, caption: Tensor) -> Tensor:
        """[b] log p(caption | code) in nats, of captions [b, t]; 0 for a row of PADDING. Differentiable in the code."""

    @abstractmethod
    def describe(self, codes: Sequence[Code], beam: int, longest: int) -> Written:
        """The likeliest captions of at most ``longest`` words, each of an image of which ``codes`` are draws, found by
        a beam search; of one code, the most likely, where there are no draws."""


class AttributeDirections(Capability):
    """Has learned which way attributes lie in its code."""

    @abstractmethod
    def directions(self) -> Directions: ...


class Imputes(Capability):
    """Fills in what is missing."""

    @abstractmethod
    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        """image and known mask [b, c, h, w], 1 = known. Known pixels come back bit for bit."""


class Fits(Capability):
    """Is fitted in closed form (or by somebody else's solver) instead of by moves."""

    fitted: str = "by a solver of its own"  # for a person; and which setting is its length

    @abstractmethod
    def fit(self, image: Callable[[], "Any"], generator: Generator) -> dict[str, float]:
        """``image()`` gives a fresh iterator over [b, c, h, w] blocks of the whole training set. Returns the report."""


class Wrapper(Model, ABC):
    """A model around a model: adds players, terms or capabilities. ``need`` and ``has`` look through it."""

    inner: Model

    def tells(self, labelled: int, captioned: int) -> bool:
        """Whether so many labelled and captioned validation images say anything of this wrapper's own metric."""
        return True


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
