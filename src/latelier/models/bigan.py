"""BiGAN: an encoder learned beside a GAN's generator, with codes that are points (Donahue et al. 2017, arXiv
1605.09782).

The generator draws from uniform codes; the encoder answers one code an image; the critic sees images with their
codes, and encoder and generator share the loss with its labels exchanged, as in the authors' code."""

from dataclasses import dataclass, replace

from torch import Tensor

from latelier.core import Optimiser
from latelier.models.adversarial import OneLevel
from latelier.models.autoencoder import Point
from latelier.models.game_settings import FAST, Critic, JointNet, OneLevelConfig
from latelier.nets.init import init_variance_
from latelier.nets.joint import Dense

UNIFORM = 1 / 3  # variance of the prior
DECAY = 2.5e-5  # of weights


@dataclass(frozen=True)
class Config(OneLevelConfig):
    """Defaults: the authors' nets for MNIST, which take an image as a row of pixels (``net=strided`` convolve it),
    what reconstructs, and what holds the game steady: theirs has no cycle, pairs or penalties, batch norm in the
    critic, and 2e-4 for both rates."""

    latent: int = 50
    net: JointNet = Dense()
    cycle: tuple[float, ...] = (20.0,)
    paired: bool = True
    critic: Critic = Critic(dropout=0.0, r1=0.1, r2=0.1, optimiser=replace(FAST, weight_decay=DECAY))
    optimiser: Optimiser = replace(FAST, weight_decay=DECAY)  # the coder's: of encoder and generator


class Model(OneLevel):
    """``Config`` says which nets, and what holds the critic back."""

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image, config.latent, "uniform")
        init_variance_(self.encoder, UNIFORM)

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.encoder(image).float()})
