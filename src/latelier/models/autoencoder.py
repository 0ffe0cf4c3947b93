"""Deterministic autoencoders: linear, deep or convolutional, with a corrupted input or code or a smooth decoder if
asked.

Minimises the reconstruction error of the clean image from the code of the (corrupted) one, summed over pixels:
n^-1 sum l(x, f(g(x))), the lecture's first formula. With ``net.widths=`` (none) it is linear, and its optimum is PCA's
subspace (Bourlard & Kamp 1988); ``net.widths=1000,500,250 latent=2`` is Hinton & Salakhutdinov's (2006) deep one;
``corruption=masking`` and ``dropout=0.5`` give the denoising and dropout autoencoders of the lecture's table;
``penalty=l2`` and ``penalty=gradient`` the regularised ones of Ghosh et al. 2020.

With ``layerwise`` the layers of an MLP are first trained one by one, from the image upwards, each to give back what it
is fed (Bengio et al. 2007); each layer, up and down, is a player, and whose turn it is follows from the images seen.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from latelier.core import (
    Batch,
    Code,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Refusal,
)
from latelier.core import Model as Base
from latelier.models.shared import EncoderFeatures, EncoderFilters, Refills
from latelier.nets.conv import Conv
from latelier.nets.encoder import activation
from latelier.nets.mlp import Mlp, layers_of
from latelier.nets.resnet import Resnet
from latelier.objectives import bernoulli
from latelier.objectives.corruption import Additive, Clean, Masking, drop
from latelier.objectives.layerwise import stage
from latelier.objectives.reduction import summed
from latelier.objectives.smoothness import L2, Gradient, Off


@dataclass(frozen=True)
class Config:
    """Defaults: the convolutional one, on squared error."""

    latent: int = 32
    net: Mlp | Conv | Resnet = Conv()
    code: str = "none"  # activation of the code; "none" leaves it linear
    error: Literal["squared", "cross-entropy"] = "squared"
    corruption: Clean | Additive | Masking = Clean()
    penalty: Off | L2 | Gradient = Off()
    dropout: float = 0.0  # share of the code's numbers dropped in training
    layerwise: float = 0.0  # share of the run in which layers are trained one by one; needs net=mlp
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.latent < 1:
            raise Refusal(f"autoencoder: latent is the number of latent dimensions, at least 1, not {self.latent}")
        if not 0 <= self.dropout < 1:
            raise Refusal(f"autoencoder: dropout is a share from 0 to below 1, not {self.dropout}")
        if not 0 <= self.layerwise <= 1 or (self.layerwise and not isinstance(self.net, Mlp)):
            raise Refusal(f"autoencoder: layerwise={self.layerwise} must be a share from 0 to 1, and needs net=mlp")


class Point(Posterior):
    """One code an image and no doubt about it."""

    def __init__(self, code: Code):
        self._code = code

    def mode(self) -> Code:
        return self._code

    def sample(self, generator: Generator) -> Code:
        return self._code

    def alike(self, generator: Generator) -> Code:
        return self._code


class Model(Base, Refills, EncoderFeatures, EncoderFilters):
    """``Config`` says which nets, error and corruption."""

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        self.latents = {"z": Latent((config.latent,), "point")}
        self.encoder = config.net.encoder(image, config.latent)
        self.squash = activation(config.code)
        self.decoder = config.net.decoder(config.latent, image)
        self.players = {"model": [self.encoder, self.decoder]}
        if config.layerwise:
            ups, downs = layers_of(self.encoder), layers_of(self.decoder)[::-1]
            self.players = {f"layer{i}": [*pair] for i, pair in enumerate(zip(ups, downs, strict=True), 1)}
            self.coder = f"layer{len(ups)}"  # a label head, if any, trains the top layer

    def optimisers(self) -> dict[str, Optimiser]:
        return dict.fromkeys(self.players, self.config.optimiser)

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.squash(self.encoder(image).float())})

    def decode(self, code: Code) -> Tensor:
        output: Tensor = self.decoder(code["z"]).float()
        return output.sigmoid() if self.config.error == "cross-entropy" else output.clamp(0, 1)

    def monitor(self) -> Metric:
        return Metric("error")

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        layers = len(self.players)
        number, _ = stage(progress, layers, self.config.layerwise)
        if number < layers:
            return self.learn_layer(number, batch, progress)
        noisy = self.config.corruption(batch.image, progress.generator)
        z = self.encode(noisy).mode()["z"]
        output = self.decoder(drop(z, self.config.dropout, progress.generator))
        error = self.error(batch.image, output)
        report, loss = {"error": error}, error
        if self.config.penalty != Off():
            report["penalty"] = self.config.penalty(self.decoder, z, progress.generator)
            loss = error + report["penalty"]
        return Losses(minimise=dict.fromkeys(self.players, loss.mean()), report=report, code={"z": z})

    def learn_layer(self, number: int, batch: Batch, progress: Progress) -> Losses:
        """One layer, corrupted and dropped out as the whole would be, gives back what it is fed: pixels, or the
        activations below it, whose error is squared."""
        ups, downs = layers_of(self.encoder), layers_of(self.decoder)[::-1]
        with torch.no_grad():
            below = nn.Sequential(*ups[:number])(batch.image.flatten(1)).float()
        h = ups[number](self.config.corruption(below, progress.generator))
        output = downs[number](
            drop(self.squash(h) if number + 1 == len(ups) else h, self.config.dropout, progress.generator)
        )
        error = self.error(batch.image, output) if number == 0 else summed((output.float() - below).square())
        return Losses(minimise={f"layer{number + 1}": error.mean()}, report={"error": error})

    def error(self, image: Tensor, output: Tensor) -> Tensor:
        """[b], summed over pixels: squared difference, or cross-entropy in nats."""
        if self.config.error == "cross-entropy":
            return -bernoulli.log_likelihood(image, output)
        return summed((output.float() - image).square())
