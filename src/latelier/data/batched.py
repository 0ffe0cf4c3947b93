"""What the loop needs of that which it draws batches from: a pack's (``data/batches.py``) or a stream's
(``data/streaming/batches.py``)."""

from typing import Protocol

import torch

from latelier.core import Batch


class Names(Protocol):
    """What images are called, by their rows."""

    def __getitem__(self, row: int, /) -> str: ...


class Rows(Protocol):
    """Images that batches are drawn from."""

    def __len__(self) -> int: ...

    @property
    def names(self) -> Names: ...


class Batched(Protocol):
    """Batches of ``size`` images on a device, each a pure function of its position."""

    @property
    def images(self) -> Rows:
        """Those that rows of batches count."""

    @property
    def size(self) -> int:
        """Images of a batch, in all its parts."""

    @property
    def device(self) -> torch.device:
        """Where batches lie."""

    @property
    def resident(self) -> bool:
        """Whether pixels reach the device without a copy, so that no batch need be made ahead."""

    def at(self, position: int, part: int = 0, parts: int = 1) -> Batch:
        """Part number ``part`` of ``parts`` equal parts of the batch that begins at ``position`` (counted in images).
        Raises Refusal for images that cannot be read."""
