"""BiGAN: an encoder learned beside a GAN's generator, with codes that are points (Donahue et al. 2017, arXiv
1605.09782).

The generator draws from uniform codes; the encoder answers one code a picture; the critic sees pictures with their
codes, and encoder and generator share the loss with its labels exchanged, as in the authors' code."""

from dataclasses import dataclass

from torch import Generator, Tensor

from latelier.core import Code, Optimiser
from latelier.models.adversarial import Critic, OneLevel, VectorConfig
from latelier.models.autoencoder import Point
from latelier.nets.joint import Dense, Strided, Valid
from latelier.objectives.prior import drawn

ADAM = Optimiser(rate=2e-4, betas=(0.5, 0.999), weight_decay=2.5e-5)


@dataclass(frozen=True)
class Config(VectorConfig):
    """Defaults: the authors' code for MNIST, whose nets take a picture as a row of pixels; ``net=strided`` are
    convolutions."""

    latent: int = 50
    net: Dense | Strided | Valid = Dense()
    critic: Critic = Critic(norm="batch", dropout=0.0, optimiser=ADAM)
    optimiser: Optimiser = ADAM  # the coder's: of encoder and generator
    spread: float = 0.02  # sd of the first weights; nets without batch norm have He's


class Model(OneLevel):
    """``Config`` says which nets, and what holds the critic back."""

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image, config.latent, "uniform")

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.encoder(image).float()})

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return drawn(self.latents, n, generator, next(self.parameters()).device)
