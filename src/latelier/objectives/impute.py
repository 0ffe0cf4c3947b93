"""Filling in what is missing of pictures by reconstructing them again and again."""

from collections.abc import Callable

import torch
from torch import Tensor

ROUNDS = 10


def refilled(image: Tensor, known: Tensor, redraw: Callable[[Tensor], Tensor], rounds: int = ROUNDS) -> Tensor:
    """The image [b, c, h, w] with what is not ``known`` (1 or 0, of a shape that broadcasts to it) from its
    reconstruction, pasted and reconstructed so many times. Known pixels are kept bit for bit."""
    kept = known.bool().expand_as(image)
    for _ in range(rounds):
        image = torch.where(kept, image, redraw(image))
    return image


def begun(image: Tensor, known: Tensor) -> Tensor:
    """The image with each picture's mean known colour in place of what is missing: where the rounds start. Mid-grey
    where nothing is known."""
    kept = known.bool().expand_as(image)
    count = kept.sum((2, 3), keepdim=True)
    mean = torch.where(kept, image, 0).sum((2, 3), keepdim=True) / count.clamp(min=1)
    return torch.where(kept, image, torch.where(count > 0, mean, 0.5))
