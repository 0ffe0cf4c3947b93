"""The semi-supervised variational autoencoder M2: an image has a class and a code, and the class may be unknown.

p(x, y, z) = p(y) p(z) p(x|y, z) with y even and z ~ N(0, I); q(y, z|x) = q(y|x) q(z|x, y). With L(x, y) the negative
bound of an image of class y, minimises L(x, y) where y is known, sum_y q(y|x) L(x, y) - H(q(y|x)) where it is not, and
alpha times -log q(y|x) of known labels beside it (Kingma et al. 2014, arXiv 1406.5298, eqs. 6 to 9). Where all labels
are known it is a conditional VAE (Sohn et al. 2015) with a classifier beside it. The two posteriors share a trunk,
which the source's do not; one draw of z is taken for each class, so that a step decodes as many images as classes."""

import math
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.config.settings import LEAST
from latelier.core import (
    Batch,
    Classifies,
    Code,
    DrawsClasses,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Refusal,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.conv import Conv
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.objectives import categorical, gaussian
from latelier.objectives.labels import cross_entropy
from latelier.objectives.likelihood import Bernoulli, Gaussian, Squared
from latelier.objectives.reduction import summed


@dataclass(frozen=True)
class Config:
    """Defaults: the nets of ``vae``. alpha is .1 times the number of images for each labelled one in the source: 50 for
    100 labels of 50,000 images."""

    latent: int = field(default=32, metadata={LEAST: 1})
    classes: int = 10  # set from the data
    features: int = field(default=128, metadata={LEAST: 1})  # units of the trunk that both posteriors read
    net: Mlp | Conv | Resnet = Conv()
    likelihood: Bernoulli | Gaussian | Squared = Gaussian()
    alpha: float = 50.0  # of -log q(y|x) of a labelled image, beside nats of pixels
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise Refusal(f"m2: it tells classes itself, 2 or more, not {self.classes}; give labels, and no label head")


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
        return {"class": functional.one_hot(label, self.log_q.shape[1]).float(), "z": values[rows, label]}

    def _drawn(self, generator: Generator, same: bool) -> Code:
        label = categorical.draw(self.log_q.T[None], generator, same=same)[0]
        return self.of(label, gaussian.sample(self.mean, self.log_variance, generator, same=same))


class Model(Base, Refills, EncoderStages, EncoderFilters, Weighs, Classifies, DrawsClasses):
    """A code is a class, one of ``classes`` numbers 1 and the others 0, and what the class leaves open."""

    needs_labels = True
    share_labelled = 0.5
    higher = ("elbo",)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image, self.classes = config, image, config.classes
        f, k, d = config.features, config.classes, config.latent
        self.latents = {"class": Latent((k,), "categorical"), "z": Latent((d,))}
        self.encoder = config.net.encoder(image, f)
        self.tell = nn.Sequential(nn.ReLU(), nn.Linear(f, k))
        self.infer = nn.Sequential(nn.ReLU(), nn.Linear(f + k, f), nn.ReLU(), nn.Linear(f, 2 * d))
        self.decoder = config.net.decoder(k + d, image)
        self.likelihood = config.likelihood.build()
        self.pixels = self.likelihood.pixels
        self.players = {"model": [self.encoder, self.tell, self.infer, self.decoder, self.likelihood]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Joint:
        trunk = self.encoder(image)
        every = torch.eye(self.classes, device=trunk.device, dtype=trunk.dtype).expand(len(trunk), -1, -1)
        each = torch.cat([trunk[:, None].expand(-1, len(every[0]), -1), every], 2)
        mean, log_variance = self.infer(each).float().chunk(2, dim=2)
        return Joint(self.tell(trunk).float().log_softmax(1), mean, log_variance.clamp(-30, 20))

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.drawn(code).float())

    def drawn(self, code: Code) -> Tensor:
        """What the likelihood reads, [b, c, h, w]."""
        out: Tensor = self.decoder(torch.cat([code["class"], code["z"]], 1))
        return out

    def classify(self, image: Tensor) -> Tensor:
        return self.encode(image).log_q.exp()

    def sample_class(self, label: Tensor, generator: Generator) -> Code:
        z = torch.randn(len(label), self.config.latent, generator=generator, device=generator.device)
        return {"class": functional.one_hot(label, self.classes).float(), "z": z.to(label.device)}

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

    def monitor(self) -> Metric:
        return Metric("objective", words="negative bound + alpha label loss")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return {"objective": terms["bound"] + self.config.alpha * terms["label loss"]}

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        q, classes = self.encode(batch.image), self.classes
        z = gaussian.sample(q.mean, q.log_variance, progress.generator)
        every = torch.eye(classes, device=z.device).expand(len(z), -1, -1)
        output = self.drawn({"class": every.flatten(0, 1), "z": z.flatten(0, 1)})
        image = batch.image.repeat_interleave(classes, 0)
        distortion = self.likelihood.distortion(image, output).unflatten(0, (-1, classes))
        rate = summed(gaussian.kl_to_standard(q.mean, q.log_variance), keep=2)
        known = functional.one_hot(batch.label.clamp(min=0), classes).float()
        share = torch.where(batch.label[:, None] >= 0, known, q.log_q.exp())  # of each class in the bound
        told = math.log(classes) - torch.special.entr(share).sum(1)
        bound = (share * (distortion + rate)).sum(1) + told
        label_loss = cross_entropy(q.log_q, batch.label)
        report = {
            "distortion": (share * distortion).sum(1),
            "rate": (share * rate).sum(1) + told,
            "bound": bound,
            "label loss": label_loss,
        }
        if self.likelihood.is_density:
            report["elbo"] = -bound
        return Losses({"model": (bound + self.config.alpha * label_loss).mean()}, report, q.mode())
