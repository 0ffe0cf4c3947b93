"""A critic of whole images beside a reconstruction: PatchVAE's "-GAN" rows, as a field of a model's settings."""

from dataclasses import dataclass
from typing import ClassVar

from latelier.core import Optimiser
from latelier.nets.critic import ImageCritic


@dataclass(frozen=True)
class Off:
    """No critic."""

    weight: ClassVar[float] = 0.0

    def build(self, image: tuple[int, int, int]) -> None:
        return None


@dataclass(frozen=True)
class Image:
    """A critic that tells pictures of the data from their reconstructions, and whose verdict, times ``weight``, is
    added to the pixels' error (Gupta et al. 2020, section 3.4)."""

    weight: float = 1.0
    optimiser: Optimiser = Optimiser(rate=1e-4, betas=(0.5, 0.999))

    def build(self, image: tuple[int, int, int]) -> ImageCritic:
        return ImageCritic(image)
