"""What keeps the codes of a deterministic autoencoder together and its decoder smooth, so that codes between and beside
those of the data decode to something: regularised autoencoders (RAE), as exclusive choices (Ghosh et al. 2020, arXiv
1903.12436, section 3).

Each is called with the decoder and the codes [b, k], and answers one value an image, to be added to its squared
error."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from latelier.objectives.noise import normal
from latelier.objectives.reduction import summed


@dataclass(frozen=True)
class Off:
    """Nothing."""

    def __call__(self, decoder: nn.Module, z: Tensor, generator: Generator) -> Tensor:
        return z.new_zeros(len(z))


@dataclass(frozen=True)
class L2:
    """codes |z|^2 / 2 + weights |decoder's weights|^2: RAE-L2."""

    codes: float = 1e-2
    weights: float = 1e-6

    def __call__(self, decoder: nn.Module, z: Tensor, generator: Generator) -> Tensor:
        square = torch.stack([weight.square().sum() for weight in decoder.parameters()]).sum()
        return self.codes * half_square(z) + self.weights * square


@dataclass(frozen=True)
class Gradient:
    """codes |z|^2 / 2 + slope |dD/dz|^2, the squared Frobenius norm of the decoder's Jacobian: RAE-GP."""

    codes: float = 1e-2
    slope: float = 1e-2

    def __call__(self, decoder: nn.Module, z: Tensor, generator: Generator) -> Tensor:
        return self.codes * half_square(z) + self.slope * steepness(decoder, z, generator)


def half_square(z: Tensor) -> Tensor:
    """[b], |z|^2 / 2."""
    return 0.5 * summed(z.float().square())


def steepness(decoder: nn.Module, z: Tensor, generator: Generator) -> Tensor:
    """[b], |v' dD/dz|^2 for one v ~ N(0, I) an image, whose mean is the squared Frobenius norm of the Jacobian
    (Hutchinson 1990). It trains the decoder, and not what made z."""
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        output = decoder(leaf).float()
        (slope,) = torch.autograd.grad(output, leaf, normal(output.detach(), generator), create_graph=True)
    return summed(slope.float().square())
