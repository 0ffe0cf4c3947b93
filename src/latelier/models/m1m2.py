"""M1+M2: a VAE learns codes of all images (M1), and ``m2`` learns a class and a code of those codes, some of which are
labelled (Kingma et al. 2014, arXiv 1406.5298, section 2.3).

p(x, y, z, z1) = p(y) p(z) p(z1|y, z) p(x|z1). The source trains M1 first and M2 on its codes; here both learn at the
same time, M2 of codes z1 ~ q(z1|x) without a gradient into M1, which so is the VAE that it would be alone. To M2 a code
is an image of one row: 1/2 + z1 / 8, in [0, 1] up to four standard deviations of p(z1)."""

import math
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from latelier.config.settings import LEAST
from latelier.core import (
    Batch,
    Classifies,
    Code,
    DrawsClasses,
    Losses,
    Metric,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models import m2, vae
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.conv import Conv
from latelier.nets.encoder import Encoder
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.objectives import gaussian
from latelier.objectives.likelihood import Bernoulli, Gaussian, Squared

MIDDLE, SPAN = 0.5, 8.0  # of a code as M2 sees it


@dataclass(frozen=True)
class Config:
    """Defaults: the nets of ``vae``; the source's have 50 numbers in both codes, and one and two layers of 500 and 600
    units."""

    latent: int = field(default=32, metadata={LEAST: 1})  # of M1's code
    above: int = field(default=16, metadata={LEAST: 1})  # of M2's, beside the class
    classes: int = 10  # set from the data
    features: int = field(default=128, metadata={LEAST: 1})  # units of the trunk that M2's posteriors read
    net: Mlp | Conv | Resnet = Conv()  # of M1
    top: Mlp = Mlp(widths=(128,))  # of M2
    likelihood: Bernoulli | Gaussian | Squared = Gaussian()  # of M1
    alpha: float = 50.0  # of -log q(y|z1) of a labelled image, beside nats of codes
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        self.upper()  # it refuses what it cannot be

    def upper(self) -> m2.Config:
        """M2's."""
        same = {"classes": self.classes, "features": self.features, "alpha": self.alpha, "optimiser": self.optimiser}
        return m2.Config(latent=self.above, net=self.top, **same)  # type: ignore[arg-type]


class Model(Base, Refills, EncoderStages, EncoderFilters, Weighs, Classifies, DrawsClasses):
    """A code is M2's: a class, and ``z``."""

    needs_labels = True
    share_labelled = 0.5
    higher = ("elbo", "code elbo")

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image, self.classes = config, image, config.classes
        self.below = vae.Model(vae.Config(latent=config.latent, net=config.net, likelihood=config.likelihood), image)
        self.above = m2.Model(config.upper(), (1, 1, config.latent))
        self.latents, self.pixels = self.above.latents, self.below.pixels
        self.players = {"model": [self.below], "above": [self.above]}

    @property
    def encoder(self) -> Encoder:  # type: ignore[override]
        """M1's."""
        return self.below.encoder

    def optimisers(self) -> dict[str, Optimiser]:
        return dict.fromkeys(self.players, self.config.optimiser)

    def encode(self, image: Tensor) -> Posterior:
        return self.above.encode(as_image(self.below.encode(image).mean))

    def decode(self, code: Code) -> Tensor:
        return self.below.decode({"z": SPAN * (self.above.decode(code).flatten(1) - MIDDLE)})

    def classify(self, image: Tensor) -> Tensor:
        return self.above.classify(as_image(self.below.encode(image).mean))

    def sample_class(self, label: Tensor, generator: Generator) -> Code:
        return self.above.sample_class(label, generator)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return self.above.sample_prior(n, generator)

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        q, found = self.below.encode(image), []
        for _ in range(samples):
            z = q.sample(generator)["z"]
            seen = self.below.likelihood.log_likelihood(image, self.below.decoder(z))
            prior = self.above.log_weight(as_image(z), 1, generator)[0] - z.shape[1] * math.log(SPAN)  # of z1
            found.append(seen + prior - gaussian.log_density(z, q.mean, q.log_variance))
        return torch.stack(found)

    def monitor(self) -> Metric:
        return Metric("objective", words="M1's negative bound + M2's + alpha label loss")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        upper = terms["code bound"] + self.config.alpha * terms["label loss"]
        return {"objective": terms["distortion"] + terms["rate"] + upper}

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        lower = self.below.learn(batch, progress)
        assert lower.code is not None
        codes = as_image(lower.code["z"].detach())
        upper = self.above.learn(batch._replace(image=codes), progress)
        report = {name: term for name, term in lower.report.items() if name != "penalty"}
        report |= {name if name == "label loss" else f"code {name}": term for name, term in upper.report.items()}
        return Losses({"model": lower.minimise["model"], "above": upper.minimise["model"]}, report, upper.code)


def as_image(z: Tensor) -> Tensor:
    """[b, d] -> [b, 1, 1, d]."""
    return (MIDDLE + z / SPAN)[:, None, None]
