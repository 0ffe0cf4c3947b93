"""A long short-term memory (Hochreiter & Schmidhuber 1997) that writes captions of the code."""

from dataclasses import dataclass

from torch import nn

from latelier.heads.caption import CaptionConfig, CaptionHead


@dataclass(frozen=True)
class Config(CaptionConfig):
    """Nothing of its own."""


class Writer(CaptionHead):
    """A caption head with this cell."""

    cell = nn.LSTM
