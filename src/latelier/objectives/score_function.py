"""The score-function gradient with the variance reduction of NVIL (Mnih & Gregor 2014, arXiv 1402.0030, section 2.3).

For a draw z ~ q(z) the gradient of E[cost(z)] is E[(cost(z) - c) grad log q(z)], whatever c that does not depend on z.
Here c is a net's guess from the image and a running mean, and the difference is divided by a running deviation.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from latelier.nets.running import Running
from latelier.objectives.reduction import wide


class Standing(NamedTuple):
    """Running statistics, each [draws]."""

    mean: Tensor  # of the costs
    variance: Tensor  # of the costs
    left: Tensor  # mean square of what the guess leaves of them, in their deviations
    begun: Tensor  # 1 once a batch was seen


class Standardiser(Running):
    """Keeps a Standing, which each batch moves by ``1 - decay``."""

    mean: Tensor
    variance: Tensor
    left: Tensor
    begun: Tensor

    def __init__(self, draws: int, decay: float):
        super().__init__()
        self.decay = decay
        for name in Standing._fields:
            self.register_buffer(name, torch.zeros(draws))

    def standing(self) -> Standing:
        """A copy."""
        return Standing(*(getattr(self, name).clone() for name in Standing._fields))

    def forward(self, cost: Tensor, guess: Tensor, before: Standing) -> tuple[Tensor, Tensor]:
        """Both [b, draws]: the signal, which is the costs less mean and guess over the deviation of that where it is
        above 1; and what the baseline makes small, the same in deviations of the costs. The very first batch is
        standardised by itself. In training the statistics move on from ``before``."""
        # The deviation of the costs does not hang on the guess: were the guess's unit what it leaves, both could grow.
        begun, own, spread = before.begun > 0, cost.mean(0), cost.var(0, correction=0)
        mean, variance = torch.where(begun, before.mean, own), torch.where(begun, before.variance, spread)
        deviation = variance.sqrt().clamp(min=1)
        rest = (cost - mean) / deviation - guess
        square = rest.detach().square().mean(0)
        left = torch.where(begun, before.left, square)
        if self.training:
            moved = (torch.lerp(new, old, self.decay) for new, old in ((own, mean), (spread, variance), (square, left)))
            for buffer, value in zip((self.mean, self.variance, self.left), moved, strict=True):
                buffer.copy_(value)
            self.begun.fill_(1)
        return rest * deviation / (deviation * left.sqrt()).clamp(min=1), rest


class Baseline(nn.Module):
    """Guesses the costs of this many draws from an image [b, c, h, w]."""

    def __init__(self, image: tuple[int, int, int], hidden: int, draws: int, decay: float):
        super().__init__()
        pixels = image[0] * image[1] * image[2]
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, draws))
        self.standardise = Standardiser(draws, decay)

    def forward(self, image: Tensor) -> Tensor:
        """[b, draws], in deviations of the costs from their mean."""
        out: Tensor = self.net(image)
        return out.float()


def surrogate(signal: Tensor, log_q: Tensor) -> Tensor:
    """[b] zeros whose gradient is signal * grad log q(z); both [b, draws], the signal taken as a reward: as it is."""
    log_q = wide(log_q)
    return (signal.detach() * (log_q - log_q.detach())).sum(1)
