"""A critic of whole images beside a reconstruction: PatchVAE's "-GAN" rows, as a field of a model's settings."""

from dataclasses import dataclass

from torch import Tensor

from latelier.core import Losses, Optimiser
from latelier.nets.critic import ImageCritic
from latelier.objectives.game import fooled, judged


@dataclass(frozen=True)
class Off:
    """No critic."""

    def build(self, image: tuple[int, int, int]) -> None:
        return None

    def optimisers(self) -> dict[str, Optimiser]:
        return {}


@dataclass(frozen=True)
class Image:
    """A critic that separates images of the data from their reconstructions, and whose verdict, times ``weight``, is
    added to the pixels' error (Gupta et al. 2020, section 3.4)."""

    weight: float = 1.0
    optimiser: Optimiser = Optimiser(rate=1e-4, betas=(0.5, 0.999))

    def build(self, image: tuple[int, int, int]) -> ImageCritic:
        return ImageCritic(image)

    def optimisers(self) -> dict[str, Optimiser]:
        return {"critic": self.optimiser}

    def join(self, critic: ImageCritic, image: Tensor, drawn: Tensor, losses: Losses) -> Losses:
        """A model's move with the critic's beside it, on the images and on what was drawn of them: both players learn
        from one pass."""
        data, made = critic(image), critic(drawn)
        against, fooling = judged(data, made), fooled(made)
        model = losses.minimise["model"] + self.weight * fooling.mean()
        minimise = {"critic": against.mean(), **losses.minimise, "model": model}
        return losses._replace(minimise=minimise, report={"critic": against, **losses.report, "fooling": fooling})
