"""log p(x | z) from what a decoder puts out, as exclusive choices. Each is a module, because one has a weight."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from latelier.errors import Refusal
from latelier.nets.running import RunningMean
from latelier.objectives import bernoulli, foreground, gaussian
from latelier.objectives.reduction import summed

GREY = 0.5
FRESH = 20  # batches whose mean squared error is a calibrated variance


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
        _check(self.sigma, self.floor)

    def build(self) -> "GaussianPixels":
        return GaussianPixels(self)


@dataclass(frozen=True)
class Calibrated:
    """N(mean, sigma^2) in every pixel, sigma^2 the running mean squared error of training: what makes the bound
    largest, without a step (Rybkin et al. 2021, arXiv 2006.13202, eq. 7). ``sigma`` is where it starts, and ``floor``
    where it ends at the latest."""

    sigma: float = 0.3
    floor: float = 0.05

    def __post_init__(self) -> None:
        _check(self.sigma, self.floor)

    def build(self) -> "CalibratedPixels":
        return CalibratedPixels(self)


@dataclass(frozen=True)
class Squared:
    """The squared error of pixels in [-1, 1], summed: a Gaussian of variance 1/2 there but for a constant (the
    reconstruction of PatchVAE's source)."""

    def build(self) -> "Likelihood":
        return SquaredPixels()


@dataclass(frozen=True)
class Foreground:
    """The same, each pixel weighted by the Laplacian energy of its 8x8 patch (L_w, Gupta et al. 2020, section 3.4).
    Weights that hang on the image make no density: likelihoods are reported without them."""

    def build(self) -> "Likelihood":
        return ForegroundPixels()


def _check(sigma: float, floor: float) -> None:
    if not 0 < floor < sigma:
        raise Refusal(f"likelihood: 0 < floor < sigma is needed, but floor is {floor} and sigma {sigma}")


class Likelihood(nn.Module):
    """Turns a decoder's output into a loss, into densities and into an image."""

    is_density = True  # whether the distortion is -log p of any pixels in [0, 1], nothing left out
    pixels: Literal["continuous", "binary"] = "continuous"  # that it gives a density to, or a probability

    def distortion(self, image: Tensor, output: Tensor) -> Tensor:
        """[b], what training makes small: -log p(image | output), up to a constant or weights."""
        return -self.log_likelihood(image, output)

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        """log p(image | output) in nats, summed over all but the first ``keep`` axes of output."""
        raise NotImplementedError

    def mean(self, output: Tensor) -> Tensor:
        """The mean image, in [0, 1]."""
        raise NotImplementedError


class BernoulliPixels(Likelihood):
    """The decoder's output is a logit a pixel. Of grey pixels the cross-entropy is no -log p: there is no bound on
    log p(x) in it."""

    is_density = False
    pixels = "binary"

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        return bernoulli.log_likelihood(image, output, keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()


class NormalPixels(Likelihood):
    """The decoder's output is a mean counted from mid-grey, as a logit of 0 is one half: counted from black, the codes
    first learn to be bright together, and their common offset from the prior takes very long to go."""

    def log_variance(self) -> Tensor:
        """log sigma^2, a scalar."""
        raise NotImplementedError

    def expected(self, image: Tensor, output: Tensor, beyond: Tensor) -> Tensor:
        """[b], the mean of ``distortion`` over outputs whose mean is ``output``, and whose squared distances from it
        are ``beyond`` [b] in the mean."""
        return -self.log_likelihood(image, output) + 0.5 * beyond / self.log_variance().exp()

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        return gaussian.log_density(image, output + GREY, self.log_variance(), keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return (output + GREY).clamp(0, 1)


class GaussianPixels(NormalPixels):
    """sigma^2 = floor^2 + exp(weight): a floor that is approached smoothly, so that the weight always has a
    gradient."""

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
        return (self.floor + self.weight.exp()).log()


class CalibratedPixels(NormalPixels):
    """sigma^2 of a batch is that of the batches before it, so that parts of a batch have the same."""

    def __init__(self, config: Calibrated):
        super().__init__()
        self.floor, self.error = config.floor**2, RunningMean(torch.tensor(config.sigma**2), FRESH)

    def log_variance(self) -> Tensor:
        return self.error.mean.clamp(min=self.floor).log()

    def distortion(self, image: Tensor, output: Tensor) -> Tensor:
        return self.expected(image, output, image.new_zeros(len(image)))

    def expected(self, image: Tensor, output: Tensor, beyond: Tensor) -> Tensor:
        found = super().expected(image, output, beyond)
        if self.training:
            square = summed((output.detach().float() + GREY - image).square()) + beyond.detach()
            self.error.follow(square / image[0].numel())
        return found


class SquaredPixels(Likelihood):
    """The decoder's output is a mean counted from mid-grey."""

    is_density = False

    def distortion(self, image: Tensor, output: Tensor) -> Tensor:
        return 4 * summed((output.float() + GREY - image).square())

    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        variance = torch.tensor(1 / 8, device=image.device)  # of pixels in [0, 1]
        return gaussian.log_density(image, output + GREY, variance.log(), keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return (output + GREY).clamp(0, 1)


class ForegroundPixels(SquaredPixels):
    """What is plain in an image counts little, what is drawn on it much."""

    def distortion(self, image: Tensor, output: Tensor) -> Tensor:
        return 4 * summed(foreground.weights(image) * (output.float() + GREY - image).square())
