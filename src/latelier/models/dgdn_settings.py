"""Settings of the deconvolutional network."""

from dataclasses import dataclass
from typing import Literal

from latelier.core import Optimiser, Refusal
from latelier.objectives.estimator import Exact, Relaxed, Score
from latelier.objectives.likelihood import Calibrated, Gaussian


@dataclass(frozen=True)
class Stochastic:
    """Positions are drawn, and the decoder puts values there."""


@dataclass(frozen=True)
class Deterministic:
    """Unpooling into the upper left corner of each block (the source's VAE-d)."""


@dataclass(frozen=True)
class Config:
    """Nets: for 28, 32, 128 and 256 pixels those of the source's table 5."""

    maps: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()
    hidden: int = 9  # units of the small nets, a map
    unpool: Stochastic | Deterministic = Stochastic()
    pooling: Literal["largest", "drawn"] = "largest"  # which value of a block the code is read off
    estimator: Exact | Score | Relaxed = Exact()
    nonlinearity: Literal["none", "relu"] = "none"  # of the encoder, on what pooling keeps; the source has none
    norm: Literal["none", "group"] = "none"  # of the encoder's maps; the source has none
    top: Literal["maps", "cells"] = "maps"  # what the code is read off
    likelihood: Calibrated | Gaussian = Calibrated(sigma=0.3, floor=0.05)
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise Refusal(f"dgdn: hidden is the number of units a map, at least 1, not {self.hidden}")
        stochastic = isinstance(self.unpool, Stochastic)
        if stochastic and self.pooling == "drawn" and isinstance(self.estimator, Exact):
            raise Refusal(
                "dgdn: with pooling=drawn the code depends on positions, whose expectation has no closed form; take "
                "estimator=score or relaxed, or pooling=largest"
            )
