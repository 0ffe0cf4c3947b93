"""The score-function gradient with the variance reduction of NVIL (Mnih & Gregor 2014, arXiv 1402.0030, section 2.3).

For a draw z ~ q(z) the gradient of E[cost(z)] is E[(cost(z) - c) grad log q(z)], whatever c that does not depend on z.
Here c is a net's guess from the image and a running mean, and the difference is divided by a running deviation.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from latelier.nets.running import Running
from latelier.objectives.reduce import wide


class Standing(NamedTuple):
    """Running statistics of what the guess leaves of the costs; each [draws]."""

    mean: Tensor
    variance: Tensor
    begun: Tensor  # 1 once a batch was seen


class Standardiser(Running):
    """Keeps a Standing, which each batch moves by ``1 - decay``."""

    mean: Tensor
    variance: Tensor
    begun: Tensor

    def __init__(self, draws: int, decay: float):
        super().__init__()
        self.decay = decay
        for name in Standing._fields:
            self.register_buffer(name, torch.zeros(draws))

    def standing(self) -> Standing:
        """A copy."""
        return Standing(self.mean.clone(), self.variance.clone(), self.begun.clone())

    def forward(self, cost: Tensor, guess: Tensor, before: Standing) -> Tensor:
        """[b, draws]: the costs less guess and mean, over the deviation where that is above 1; the guess is in its
        units. The first batch is standardised by itself. In training the statistics move on from ``before``."""
        begun, decay = before.begun > 0, self.decay
        scale = torch.where(begun, before.variance, cost.var(0, correction=0)).sqrt().clamp(min=1)
        rest = cost - scale * guess
        own = rest.detach().mean(0)
        mean = torch.where(begun, before.mean, own)
        if self.training:
            spread = (rest.detach() - mean).square().mean(0)
            self.mean.copy_(torch.where(begun, torch.lerp(own, mean, decay), own))
            self.variance.copy_(torch.where(begun, torch.lerp(spread, before.variance, decay), spread))
            self.begun.fill_(1)
        return (rest - mean) / scale


class Baseline(nn.Module):
    """Guesses the costs of so many draws from an image [b, c, h, w]."""

    def __init__(self, image: tuple[int, int, int], hidden: int, draws: int, decay: float):
        super().__init__()
        pixels = image[0] * image[1] * image[2]
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, draws))
        self.standardise = Standardiser(draws, decay)

    def forward(self, image: Tensor) -> Tensor:
        """[b, draws], in running deviations."""
        out: Tensor = self.net(image)
        return out.float()


def surrogate(signal: Tensor, log_q: Tensor) -> Tensor:
    """[b] zeros whose gradient is signal * grad log q(z); both [b, draws], the signal taken as a reward: as it is."""
    log_q = wide(log_q)
    return (signal.detach() * (log_q - log_q.detach())).sum(1)
