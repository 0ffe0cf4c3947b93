"""Ways to spoil an input or a code in training, as exclusive choices; all noise comes from the generator."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from latelier.errors import Refusal


@dataclass(frozen=True)
class Clean:
    """Nothing is done."""

    def __call__(self, image: Tensor, generator: Generator) -> Tensor:
        return image


@dataclass(frozen=True)
class Additive:
    """Gaussian noise of this standard deviation is added to every value."""

    sd: float = 0.3

    def __post_init__(self) -> None:
        if self.sd < 0:
            raise Refusal(f"corruption.sd is a standard deviation, at least 0, not {self.sd}")

    def __call__(self, image: Tensor, generator: Generator) -> Tensor:
        return image + self.sd * torch.randn(image.shape, generator=generator, device=image.device)


@dataclass(frozen=True)
class Masking:
    """This share of the values is set to 0 (the lecture's "input dropout")."""

    share: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise Refusal(f"corruption.share is a share from 0 to below 1, not {self.share}")

    def __call__(self, image: Tensor, generator: Generator) -> Tensor:
        return image * (torch.rand(image.shape, generator=generator, device=image.device) >= self.share)


def drop(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Dropout with its noise from the generator: a share of the values is 0, the rest is scaled up to keep the mean."""
    if share == 0:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
    return x * kept / (1 - share)
