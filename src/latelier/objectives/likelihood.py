"""log p(x | z) from what a decoder puts out, as exclusive choices. Each is a module, because one has a weight."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latelier.core import Refusal
from latelier.objectives import bernoulli, gaussian

GREY = 0.5


@dataclass(frozen=True)
class Bernoulli:
    """Each pixel a coin: right for pixels in {0, 1}, a customary cross-entropy for grey ones."""

    def build(self) -> "Likelihood":
        return BernoulliPixels()


@dataclass(frozen=True)
class Gaussian:
    """N(mean, sigma^2) in every pixel, sigma in units of the [0, 1] range; ``learned`` makes one shared sigma a
    weight, starting from the given one and held above ``floor`` (an unbounded one grows without limit where pixels are
    constant)."""

    sigma: float = 0.1
    learned: bool = True
    floor: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.floor < self.sigma:
            raise Refusal(f"likelihood: 0 < floor < sigma is needed, but floor is {self.floor} and sigma {self.sigma}")

    def build(self) -> "Likelihood":
        return GaussianPixels(self)


class Likelihood(nn.Module):
    """Turns a decoder's output into densities and into a picture."""

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        """log p(image | output) in nats, summed over all but the first ``keep`` axes of output."""
        raise NotImplementedError

    def mean(self, output: Tensor) -> Tensor:
        """The mean image, in [0, 1]."""
        raise NotImplementedError


class BernoulliPixels(Likelihood):
    """The decoder's output is a logit a pixel."""

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        return bernoulli.log_likelihood(image, output, keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()


class GaussianPixels(Likelihood):
    """The decoder's output is a mean counted from mid-grey, as a logit of 0 is one half: counted from black, the codes
    first learn to be bright together, and their common offset from the prior takes very long to go.

    sigma^2 = floor^2 + exp(weight): a floor that is approached smoothly, so that the weight always has a gradient."""

    weight: Tensor

    def __init__(self, config: Gaussian):
        super().__init__()
        self.floor = config.floor**2 if config.learned else 0.0
        start = torch.tensor(math.log(config.sigma**2 - self.floor))
        if config.learned:
            self.weight = nn.Parameter(start)
        else:
            self.register_buffer("weight", start)

    def log_variance(self) -> Tensor:
        """log sigma^2, a scalar."""
        return (self.floor + self.weight.exp()).log()

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        return gaussian.log_density(image, output + GREY, self.log_variance(), keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return (output + GREY).clamp(0, 1)
