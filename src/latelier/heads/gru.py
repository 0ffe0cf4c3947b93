"""A gated recurrent unit (Cho et al. 2014) that writes captions of the code."""

from dataclasses import dataclass

from torch import nn

from latelier.heads.caption import CaptionConfig, CaptionHead


@dataclass(frozen=True)
class Config(CaptionConfig):
    """Nothing of its own."""


class Writer(CaptionHead):
    """A caption head with this cell."""

    cell = nn.GRU
