"""What models share whose code is a class and what the class leaves open: p(x, y, z) = p(y) p(z) p(x|y, z) with y even
and z ~ N(0, I), and an encoder that gives q(z|x, y) for every class."""

import math
from abc import ABC

import torch
from torch import Generator, Tensor, nn

from latelier.core import Classifies, Code, DrawsClasses, Optimiser, Posterior, Weighs
from latelier.core import Model as Base
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.objectives import categorical, gaussian
from latelier.objectives.likelihood import Likelihood


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
    tell: nn.Module
    infer: nn.Module
    decoder: nn.Module
    likelihood: Likelihood
    width: int  # of z
    optimiser: Optimiser

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.optimiser}

    def given(self, trunk: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of z, of features and one-hot classes with the same leading axes."""
        mean, log_variance = self.infer(torch.cat([trunk, label], -1)).float().chunk(2, dim=-1)
        return mean, log_variance.clamp(-30, 20)

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
        z = torch.randn(len(label), self.width, generator=generator, device=generator.device)
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
