"""What VAC, IntroVAC and IntroVAE share: residual nets, a Gaussian code, and two players of whom the coder (encoder and
classifier) may judge what the decoder draws.

A step has two moves, in the order of IntroVAC's algorithm 1: the coder's, then the decoder's, who is judged by the
coder after its step. Both see the same codes: the first move leaves them in ``progress.notes``. Running statistics of
batch norm are those of the data and of its reconstructions; in the authors' code drawn images move them too, so that
a trained encoder meets real images with the statistics of drawn ones."""

from abc import ABC
from dataclasses import dataclass

import torch
from torch import Tensor

from latelier.core import Batch, Code, Latent, Optimiser, Progress, Refusal, Schedule
from latelier.models.shared import DeclaredPrior, EncoderFilters, EncoderStages, Refills
from latelier.models.vae import Diagonal
from latelier.nets import introvac as nets
from latelier.nets.eval_mode import unremembered
from latelier.objectives import gaussian

WARM = 0.0333  # share of the run without introspection: 5 of 150 epochs in IntroVAC's code


@dataclass(frozen=True)
class Config:
    """What the settings of each of these models have."""

    latent: int = 64  # the source's 256 are for 128 pixels
    width: float = 0.5  # times the maps of the source's nets
    optimiser: Optimiser = Optimiser(rate=5e-4, weight_decay=1e-5)  # of both players; the source's rate is 2e-4

    def __post_init__(self) -> None:
        if self.latent < 1 or self.width <= 0:
            raise Refusal(
                f"latent {self.latent} is the number of latent dimensions, at least 1, and width {self.width:g} "
                "multiplies the nets' maps, so it must be above 0"
            )


def check_warm(pretrain: float) -> None:
    """Raises Refusal for what is no share of a run."""
    if not 0 <= pretrain <= 1:
        raise Refusal(f"pretrain is the share of the run without introspection, from 0 to 1, not {pretrain:g}")


class Introspective(DeclaredPrior, Refills, EncoderStages, EncoderFilters, ABC):
    """The nets. A model adds its moves, and to the players what else it has."""

    coder = "coder"
    schedule = Schedule(steps=1000)
    config: Config

    def __init__(self, config: Config, image: tuple[int, int, int], *, late: bool = False):
        super().__init__()
        self.config, self.image = config, image
        plan = nets.Plan(image, config.width, late)
        self.latents = {"z": Latent((config.latent,))}
        self.encoder = nets.encoder(plan, 2 * config.latent)
        self.decoder = nets.decoder(plan, config.latent)
        self.players = {"coder": [self.encoder], "decoder": [self.decoder]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"coder": self.config.optimiser, "decoder": self.config.optimiser}

    def encode(self, image: Tensor) -> Diagonal:
        return Diagonal(*gaussian.halves(self.encoder(image)))

    def decode(self, code: Code) -> Tensor:
        return self.draw(code["z"]).clamp(0, 1)

    def draw(self, z: Tensor) -> Tensor:
        """[b, d] -> [b, c, h, w], the mean image; within [0, 1] or not."""
        out: Tensor = self.decoder(z)
        return out.float().sigmoid()

    def prior_beside(self, z: Tensor, progress: Progress) -> Tensor:
        """[b, d]: as many draws of the prior; this step's decoder sees them again, beside z."""
        prior = self.sample_prior(len(z), progress.generator)["z"]
        if progress.notes is not None:
            progress.notes.update(z=z.detach(), prior=prior)
        return prior

    def codes(self, batch: Batch, progress: Progress) -> tuple[Tensor, Tensor]:
        """[b, d] each: codes of the batch and draws of the prior, those that the coder's move has seen if it was
        played. The decoder's loss does not reach the encoder that they come from."""
        if progress.notes and "z" in progress.notes:
            return progress.notes["z"], progress.notes["prior"]
        with torch.no_grad():
            z = self.encode(batch.image).sample(progress.generator)["z"]
        return z, self.prior_beside(z, progress)

    def made(self, again: Tensor, prior: Tensor) -> tuple[Diagonal, Diagonal]:
        """What the coder makes of reconstructions [b, c, h, w] and of images drawn of the prior [b, d]. Neither
        trains the net that drew it (dt in eqs. 6 and 7)."""
        with unremembered(self.encoder, self.decoder):
            with torch.no_grad():
                drawn = self.draw(prior)
            return self.encode(again.detach()), self.encode(drawn)
