"""Looks over many images at set times of a training, and what is kept of them, image by image."""

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from latelier.core.capabilities import Capability
from latelier.core.contract import Progress

if TYPE_CHECKING:
    from latelier.data.batches import Batches


class Looks(Capability):
    """Looks over more than a batch at set times of a training."""

    @abstractmethod
    def times(self) -> tuple[float, ...]:
        """Shares of the run, rising, from 0 to below 1."""

    @abstractmethod
    def look(self, batches: "Batches", progress: Progress) -> dict[str, float]:
        """What there is to log of it. The model is in eval mode, without gradients, and holds the averaged weights
        where there are any. Whatever it keeps stands in a ``Memory``, which process 0 shares with all others."""


class Memory(nn.Module):
    """A number for each image of the data: part of the training's state, not of what the model is."""

    value: Tensor

    def __init__(self, empty: int, below: int):
        super().__init__()
        self.empty, self.below = empty, below  # what nothing is known of, the least number; and above the greatest
        self.register_buffer("value", torch.zeros(0, dtype=torch.int64), persistent=False)

    def begin(self, images: int) -> None:
        """Room for this many images, nothing known of any."""
        self.value = torch.full((images,), self.empty, dtype=torch.int64, device=self.value.device)

    def takes(self, value: Tensor, images: int) -> bool:
        """Whether these can be such numbers, of this many images."""
        right = value.dtype == torch.int64 and value.shape == (images,)
        return right and bool(((value >= self.empty) & (value < self.below)).all())

    def of(self, index: Tensor) -> Tensor:
        """[b] int64, of these rows of the data."""
        return self.value[index] if len(self.value) else torch.full_like(index, self.empty)


class Shares(Memory):
    """Shares of this many ``classes`` for each image, kept in half precision: two bytes an image and class."""

    def __init__(self, classes: int):
        super().__init__(0, classes)
        self.value = self.value.half()

    def begin(self, images: int) -> None:
        self.value = torch.zeros(images, self.below, dtype=torch.float16, device=self.value.device)

    def takes(self, value: Tensor, images: int) -> bool:
        if value.dtype != torch.float16 or value.shape != (images, self.below):
            return False
        return bool(((value >= 0) & (value <= 1)).all())

    def keep(self, rows: Tensor, share: Tensor) -> None:
        """Notes the shares [n, classes], which sum to 1, of these rows of the data."""
        self.value[rows] = share.to(self.value)

    def of(self, index: Tensor) -> Tensor:
        """float32 [b, classes], of these rows of the data: 0 where nothing is known, and otherwise summing to 1."""
        if not len(self.value):
            return torch.zeros(len(index), self.below, device=index.device)
        share = self.value[index].float()
        return share / share.sum(1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)


def memories(model: nn.Module) -> dict[str, Memory]:
    """All that the model keeps, by name."""
    return {name: part for name, part in model.named_modules() if isinstance(part, Memory)}
