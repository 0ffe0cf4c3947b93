"""Random changes of training pictures that leave their meaning alone; every change is a function of (seed,
position)."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from latelier.core import Refusal


@dataclass(frozen=True)
class Augment:
    """``shift``: each picture is moved by up to so many pixels up or down and left or right, black coming in at the
    edge. ``flip``: half of the pictures are mirrored left to right."""

    shift: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        if self.shift < 0:
            raise Refusal(f"shift is a number of pixels, at least 0, not {self.shift}")

    def __call__(self, image: Tensor, generator: Generator) -> Tensor:
        """image [b, c, h, w] -> the same shape, on the same device; the generator is on the CPU."""
        b, _, h, w = image.shape
        if self.shift:
            moves = torch.randint(-self.shift, self.shift + 1, (b, 2, 1), generator=generator).to(image.device)
            rows = torch.arange(h, device=image.device) + moves[:, 0]  # [b, h], where each row comes from
            columns = torch.arange(w, device=image.device) + moves[:, 1]
            image = image.gather(2, rows.clamp(0, h - 1)[:, None, :, None].expand_as(image))
            image = image.gather(3, columns.clamp(0, w - 1)[:, None, None, :].expand_as(image))
            inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
            image = image * inside[:, None]
        if self.flip:
            mirrored = torch.rand(b, generator=generator).to(image.device) < 0.5
            image = torch.where(mirrored[:, None, None, None], image.flip(3), image)
        return image.contiguous(memory_format=torch.channels_last)
