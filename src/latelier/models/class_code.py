"""What models share whose code is a class and what the class leaves open: p(x, y, z) = p(y) p(z) p(x|y, z) with y even
and z ~ N(0, I), and an encoder that gives q(z|x, y) for every class."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from latelier.config.settings import LEAST
from latelier.core import (
    Batch,
    Classifies,
    Code,
    DrawsClasses,
    Latent,
    Losses,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.conv import Conv
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.objectives import categorical, gaussian
from latelier.objectives.likelihood import Bernoulli, Gaussian, Squared


@dataclass(frozen=True)
class Nets:
    """Settings that these models have in common. Defaults: the nets of ``vae``."""

    latent: int = field(default=32, metadata={LEAST: 1})
    classes: int = 10  # set from the data
    features: int = field(default=128, metadata={LEAST: 1})  # units of the trunk that both posteriors read
    net: Mlp | Conv | Resnet = Conv()
    likelihood: Bernoulli | Gaussian | Squared = Gaussian()
    optimiser: Optimiser = Optimiser(rate=1e-3)


def one_hot(label: Tensor, classes: int) -> Tensor:
    """float32 [b, classes], without a look at the numbers, which torch's own takes on a CPU: a step reads nothing."""
    return torch.eye(classes, device=label.device)[label]


class Joint(Posterior):
    """q(y, z|x): log_q [b, classes], and z's mean and log-variance given each class, [b, classes, latent]."""

    def __init__(self, log_q: Tensor, mean: Tensor, log_variance: Tensor):
        self.log_q, self.mean, self.log_variance = log_q, mean, log_variance

    def mode(self) -> Code:
        return self.of(self.log_q.argmax(1), self.mean)

    def sample(self, generator: Generator) -> Code:
        return self._drawn(generator, same=False)

    def alike(self, generator: Generator) -> Code:
        return self._drawn(generator, same=True)

    def rate(self) -> Code:
        """Of z given the likeliest class; of classes q log(k q) - q + 1 / k each, which adds up to the KL."""
        z = self.of(self.log_q.argmax(1), gaussian.kl_to_standard(self.mean, self.log_variance))["z"]
        q, k = self.log_q.exp(), self.log_q.shape[1]
        return {"class": q * (self.log_q + math.log(k)) - q + 1 / k, "z": z}

    def of(self, label: Tensor, values: Tensor) -> Code:
        """The code whose class is ``label`` [b], and whose z is that class's row of ``values``."""
        rows = torch.arange(len(label), device=label.device)
        return {"class": one_hot(label, self.log_q.shape[1]), "z": values[rows, label]}

    def _drawn(self, generator: Generator, same: bool) -> Code:
        label = categorical.draw(self.log_q.T[None], generator, same=same)[0]
        return self.of(label, gaussian.sample(self.mean, self.log_variance, generator, same=same))


class ClassCode(Base, Refills, EncoderStages, EncoderFilters, Weighs, Classifies, DrawsClasses, ABC):
    """A code is a class, one of ``classes`` numbers 1 and the others 0, and ``z``. Its nets are a trunk
    ``encoder``, ``tell``, which reads classes off it, ``infer``, which reads it beside a class, and ``decoder``."""

    needs_labels = True
    higher = ("elbo",)
    config: Nets

    def __init__(self, config: Nets, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image, self.classes = config, image, config.classes
        f, k, d = config.features, config.classes, config.latent
        self.latents = {"class": Latent((k,), "categorical"), "z": Latent((d,))}
        self.encoder = config.net.encoder(image, f)
        self.tell = self.teller(f)
        self.infer = nn.Sequential(nn.ReLU(), nn.Linear(f + k, f), nn.ReLU(), nn.Linear(f, 2 * d))
        self.decoder = config.net.decoder(k + d, image)
        self.likelihood = config.likelihood.build()
        self.pixels = self.likelihood.pixels
        self.players = {"model": [self.encoder, self.tell, self.infer, self.decoder, self.likelihood]}

    @abstractmethod
    def learn(self, batch: Batch, progress: Progress) -> Losses:
        """The one move."""

    @abstractmethod
    def teller(self, features: int) -> nn.Module:
        """[b, features] -> [b, classes] logits."""

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def given(self, trunk: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of z, of features and one-hot classes with the same leading axes."""
        return gaussian.halves(self.infer(torch.cat([trunk, label], -1)), dim=-1)

    def every(self, trunk: Tensor) -> tuple[Tensor, Tensor]:
        """The same for each class, [b, classes, latent], of features [b, f]."""
        each = torch.eye(self.classes, device=trunk.device, dtype=trunk.dtype).expand(len(trunk), -1, -1)
        return self.given(trunk[:, None].expand(-1, self.classes, -1), each)

    def classify(self, image: Tensor) -> Tensor:
        return self.encode(image).log_q.exp()

    def encode(self, image: Tensor) -> Joint:
        trunk = self.encoder(image)
        return Joint(self.tell(trunk).float().log_softmax(1), *self.every(trunk))

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.drawn(code).float())

    def drawn(self, code: Code) -> Tensor:
        """What the likelihood reads, [b, c, h, w]."""
        out: Tensor = self.decoder(torch.cat([code["class"], code["z"]], 1))
        return out

    def sample_class(self, label: Tensor, generator: Generator) -> Code:
        z = torch.randn(len(label), self.config.latent, generator=generator, device=generator.device)
        return {"class": one_hot(label, self.classes), "z": z.to(label.device)}

    def sample_prior(self, n: int, generator: Generator) -> Code:
        label = torch.randint(self.classes, (n,), generator=generator, device=generator.device)
        return self.sample_class(label.to(next(self.parameters()).device), generator)

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        q, found = self.encode(image), []
        for _ in range(samples):
            code = q.sample(generator)
            label = code["class"].argmax(1)
            given = [q.of(label, part)["z"] for part in (q.mean, q.log_variance)]
            log_q = q.log_q.gather(1, label[:, None])[:, 0] + gaussian.log_density(code["z"], *given)
            prior = gaussian.log_standard(code["z"]) - math.log(self.classes)
            found.append(self.likelihood.log_likelihood(image, self.drawn(code)) + prior - log_q)
        return torch.stack(found)
