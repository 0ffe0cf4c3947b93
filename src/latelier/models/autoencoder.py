"""Deterministic autoencoders: linear, deep or convolutional, with a corrupted input or code if asked.

Minimises the reconstruction error of the clean image from the code of the (corrupted) one, summed over pixels:
n^-1 sum l(x, f(g(x))), the lecture's first formula. With ``net.widths=`` (none) it is linear, and its optimum is PCA's
subspace (Bourlard & Kamp 1988); ``net.widths=1000,500,250 latent=2`` is Hinton & Salakhutdinov's (2006) deep one;
``corruption=masking`` and ``dropout=0.5`` give the denoising and dropout autoencoders of the lecture's table.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor

from latelier.core import (
    Batch,
    Code,
    Decodes,
    Encodes,
    Features,
    Latent,
    Losses,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Refusal,
)
from latelier.core import Model as Base
from latelier.nets.conv import Conv
from latelier.nets.encoder import activation
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.objectives import bernoulli
from latelier.objectives.corruption import Additive, Clean, Masking, drop
from latelier.objectives.reduce import summed


@dataclass(frozen=True)
class Config:
    """Defaults: the convolutional one, on squared error."""

    latent: int = 32
    net: Mlp | Conv | Resnet = Conv()
    code: str = "none"  # activation of the code; "none" leaves it linear
    error: Literal["squared", "cross-entropy"] = "squared"
    corruption: Clean | Additive | Masking = Clean()
    dropout: float = 0.0  # share of the code's numbers dropped in training
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.latent < 1:
            raise Refusal(f"autoencoder: latent is the number of code numbers, at least 1, not {self.latent}")
        if not 0 <= self.dropout < 1:
            raise Refusal(f"autoencoder: dropout is a share from 0 to below 1, not {self.dropout}")


class Point(Posterior):
    """One code an image and no doubt about it."""

    def __init__(self, code: Code):
        self._code = code

    def mode(self) -> Code:
        return self._code

    def sample(self, generator: Generator) -> Code:
        return self._code


class Model(Base, Encodes, Decodes, Features):
    """``Config`` says which nets, error and corruption."""

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), "point")}
        self.encoder = config.net.encoder(image, config.latent)
        self.squash = activation(config.code)
        self.decoder = config.net.decoder(config.latent, image)
        self.players = {"model": [self.encoder, self.decoder]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.squash(self.encoder(image).float())})

    def decode(self, code: Code) -> Tensor:
        output: Tensor = self.decoder(code["z"]).float()
        return output.sigmoid() if self.config.error == "cross-entropy" else output.clamp(0, 1)

    def depths(self) -> tuple[str, ...]:
        return self.encoder.depths()

    def features(self, image: Tensor, depth: str) -> Tensor:
        return self.encoder.features(image, depth)

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        noisy = self.config.corruption(batch.image, progress.generator)
        z = self.encode(noisy).mode()["z"]
        output = self.decoder(drop(z, self.config.dropout, progress.generator))
        error = self.error(batch.image, output)
        return Losses(minimise={"model": error.mean()}, report={"error": error}, code={"z": z})

    def error(self, image: Tensor, output: Tensor) -> Tensor:
        """[b], summed over pixels: squared difference, or cross-entropy in nats."""
        if self.config.error == "cross-entropy":
            return -bernoulli.log_likelihood(image, output)
        return summed((output.float() - image).square())
