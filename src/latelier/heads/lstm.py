"""A long short-term memory (Hochreiter & Schmidhuber 1997) that writes captions of the code."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from latelier.heads.caption import CaptionConfig, CaptionHead


@dataclass(frozen=True)
class Config(CaptionConfig):
    """Nothing of its own."""


class Writer(CaptionHead):
    """Writes from a code of ``width`` numbers."""

    def __init__(
        self,
        config: Config,
        width: int,
        words: Sequence[str],
        image: tuple[int, int, int],
        map: tuple[int, ...] = (),
    ):
        super().__init__(nn.LSTM, config, width, words, image, map)
