"""What caption heads share: L = L_model + xi * -log p(Y | s) on captioned images.

The weight's default is xi = N_x / (T rho), N_x pixels, T tokens of the caption (its end is one) and rho the captioned
share of a batch (Pu et al. 2016, section 4), so that every caption counts alike beside many pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from latelier.core import PADDING, UNKNOWN, Code, Optimiser, Progress, Written
from latelier.device import computes_bf16
from latelier.errors import Refusal
from latelier.heads.label import flat
from latelier.nets.attention import HEADS, Looking
from latelier.nets.recurrent import Recurrent
from latelier.objectives.decoding import beam_search

CAPTIONED = 0.5  # share of every batch drawn from the captioned images


@dataclass(frozen=True)
class Joint:
    """The model learns from images alone for a share of the run; then the head learns to write, and the encoder from
    captions as well."""

    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise Refusal(
                f"caption.learning.share is the share of the run without captions, from 0 to below 1, not {self.share}"
            )

    def alone(self, progress: Progress) -> bool:
        """Whether the model learns from images alone so far."""
        return progress.seen < self.share * progress.total


@dataclass(frozen=True)
class TwoStep(Joint):
    """After that share the model stands still, and the head learns to write from its codes."""

    share: float = 0.5


@dataclass(frozen=True)
class CaptionConfig:
    """Defaults: units, rate and weight of the source. Embedding and dropout, which it does not give, are those of its
    authors' next code; a word that occurs less than five times is unknown, as usual for photographs."""

    weight: float | None = None  # of -log p a token; none means the default
    captioned: float | None = None  # share of every batch from captioned images; none: half, or all where all have any
    hidden: int = 512
    embedding: int = 300
    dropout: float = 0.5
    least: int = 5  # times that a word occurs in the captions learned from, or it is unknown
    longest: int = 40  # words; a longer caption is cut to this many
    most: int | None = None  # captions of an image that are learned, the first ones; none means all
    look: Literal["code", "cells"] = "code"  # at the code as a whole, before the first word; or at its cells, for each
    uncaptioned: Literal["none", "consistent"] = "none"  # what is learned from images without a caption
    sure: float = 0.5  # probability down to which the beginning of what is written of one is a target
    learning: Joint | TwoStep = Joint()
    optimiser: Optimiser = Optimiser(rate=2e-4)

    def __post_init__(self) -> None:
        for name in ("hidden", "embedding", "least", "longest"):
            if getattr(self, name) < 1:
                raise Refusal(f"caption.{name} is at least 1, not {getattr(self, name)}")
        if self.most is not None and self.most < 1:
            raise Refusal(f"caption.most is how many captions of an image are learned, at least 1, not {self.most}")
        if self.captioned is not None and not 0 < self.captioned <= 1:
            raise Refusal(
                f"caption.captioned is the captioned share of a batch, above 0 and at most 1, not {self.captioned}"
            )
        if not 0 < self.sure < 1:
            raise Refusal(f"caption.sure is a probability between 0 and 1, not {self.sure:g}")
        if self.uncaptioned != "none" and isinstance(self.learning, TwoStep):
            raise Refusal("caption.uncaptioned=consistent trains the encoder, which is frozen with twostep")
        if self.look == "cells" and self.hidden % HEADS:
            raise Refusal(f"caption.hidden is a multiple of {HEADS} where captions look at cells, not {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise Refusal(f"caption.dropout is a share from 0 to below 1, not {self.dropout}")


class CaptionHead(nn.Module):
    """Writes from a code of ``width`` numbers with a recurrent ``cell``, in ``words`` (the special tokens first)."""

    cell: type[nn.GRU] | type[nn.LSTM]

    def __init__(
        self,
        config: CaptionConfig,
        width: int,
        words: Sequence[str],
        image: tuple[int, int, int],
        map: tuple[int, ...] = (),
    ):
        """``map``: the code's numbers a cell, rows and columns, where it is one."""
        super().__init__()
        if len(words) <= UNKNOWN + 1:
            raise Refusal(
                f"a caption head needs words: no word occurs {config.least} times in the captions to learn from; give "
                "a captions.csv, or --set caption.least=1"
            )
        self.config, self.words = config, tuple(words)
        self.captioned = config.captioned or CAPTIONED
        self.weight = math.prod(image[1:]) / self.captioned if config.weight is None else config.weight
        sizes = len(words), config.embedding, config.hidden, config.dropout
        if config.look == "code":
            self.net = Recurrent(self.cell, width, *sizes)
        elif len(map) == 3:
            self.net = Looking(self.cell, (map[0], map[1], map[2]), *sizes)
        else:
            raise Refusal(
                "caption.look=cells looks at a code that is a map, as that of vae with net=maps or of dgdn with "
                "top=cells; this one is none"
            )

    def optimisers(self) -> dict[str, Optimiser]:
        """Of the player "writer"."""
        return {"writer": self.config.optimiser}

    def loss(self, code: Code, caption: Tensor, generator: Generator) -> Tensor:
        """[b] nats of captions [b, t], already weighted; 0 where there is none."""
        noise = generator if self.training else None
        per_token = self.net.log_likelihood(flat(code), caption, noise) / (caption > 0).sum(1).clamp(min=1)
        return -self.weight * per_token

    def log_likelihood(self, code: Code, caption: Tensor) -> Tensor:
        """[b] log p(caption [b, t] | code)."""
        return self.net.log_likelihood(flat(code), caption)

    def guess(self, code: Code, longest: int) -> tuple[Tensor, Tensor]:
        """The targets of images without a caption: of what the head would write, [b, t], the beginning that is
        likelier than ``sure``, and its share of the tokens [b]."""
        read = flat(code).float()
        token = beam_search(self.net, read[:, None], longest=longest).token
        log_p = self.net.log_each(read, token)[:, : token.shape[1]]
        kept = (log_p.cumsum(1) > math.log(self.config.sure)) & (token != PADDING)
        return token * kept, kept.sum(1) / (token != PADDING).sum(1)

    def write(self, codes: Sequence[Code], beam: int, longest: int) -> Written:
        """The likeliest captions under draws of the code together, of at least one word, in words that it knows. Where
        the device computes it, products of matrices are in bfloat16, as they are in training."""
        draws = torch.stack([flat(code) for code in codes], 1).float()
        with torch.autocast(draws.device.type, torch.bfloat16, enabled=computes_bf16(draws.device)):
            return beam_search(self.net, draws, width=beam, longest=longest, shortest=1, never=(UNKNOWN,))
