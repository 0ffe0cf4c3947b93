"""Which bound on log p(x) a variational autoencoder makes large, as exclusive choices: the evidence lower bound, or a
tighter one of several draws."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

from latelier.config.settings import LEAST
from latelier.objectives import gaussian
from latelier.objectives.importance import iwae


class Normal(Protocol):
    """q(z|x), a diagonal Gaussian."""

    mean: Tensor  # [b, ...]
    log_variance: Tensor  # as the mean


@dataclass(frozen=True)
class Elbo:
    """E_q log p(x|z) - KL(q(z|x) || p(z)), from one draw, the divergence in closed form."""


@dataclass(frozen=True)
class Iwae:
    """log of the mean of ``draws`` weights p(x, z) / q(z|x), z ~ q(z|x) (Burda et al. 2016, arXiv 1509.00519, eq. 8).

    The plain gradient trains the encoder the less the more draws there are: its noise falls more slowly than it does
    (Rainforth et al. 2018). ``doubly`` reparameterised, each draw's path counts by the square of its share of the
    weights, and the density of q not at all (Tucker et al. 2019, arXiv 1810.04152, eq. 8): the same in the mean, with
    less noise."""

    draws: int = field(default=5, metadata={LEAST: 1})
    estimator: Literal["doubly", "plain"] = "doubly"

    def bound(self, q: Normal, z: Tensor, log_joint: Callable[[Tensor], Tensor]) -> Tensor:
        """[b] nats, to be made large, from draws z [draws, b, ...] of q; ``log_joint`` is log p(x, z) of such draws,
        [draws, b]. Its gradient with respect to what z is made of is the estimator's."""
        if self.estimator == "plain":
            return iwae(log_joint(z) - gaussian.log_density(z, q.mean, q.log_variance, keep=2))
        path = z.clone()  # a node of its own: what else learns from z keeps its gradient
        weight = log_joint(path) - gaussian.log_density(path, q.mean.detach(), q.log_variance.detach(), keep=2)
        if path.requires_grad:  # the bound gives each path its share once, and here it gets it again
            share = weight.detach().softmax(0).view(*weight.shape, *[1] * (z.ndim - 2))
            path.register_hook(lambda gradient: gradient * share)
        return iwae(weight)
