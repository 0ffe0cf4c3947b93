"""What a trained model can do: scores, sheets, verbs and the explorer ask for these, never for a model by name.

Shapes and units are those of ``contract``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from torch import Generator, Tensor, nn

from latelier.core.contract import Code


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
        """KL(q(z_j | x) || p(z_j)) in nats, one value a latent dimension: [b, *shape]. Traversals are ordered by it,
        and active units counted. Empty for a posterior without a density."""
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

    prior_said: str = "the prior"  # what codes are drawn from, in words

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
    """Has first weights that can be seen as small images."""

    @abstractmethod
    def filters(self) -> Tensor:
        """[n, c, h, w], one image a unit of the first layer, in the units' order; any range."""


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
        """[draws, b, classes]: scores for samples of the code; the class is the one with the largest mean."""

    @abstractmethod
    def likeliest(self, image: Tensor) -> Tensor:
        """[b, classes] probabilities from the most likely code alone, where nothing can be drawn."""


class Directions(NamedTuple):
    """Linear classifiers of attributes on codes: log-odds are the sum of ``weight`` times the code, plus ``bias``. What
    predicts an attribute best need not be what draws it, so an edit may go another way than the weight."""

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
    """Writes captions from codes, and says how likely captions are."""

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
