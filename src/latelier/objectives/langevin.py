"""Langevin Monte Carlo: draws from a density of which only the slope of its energy is known (IntroVAC, eq. 8)."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from latelier.config.settings import LARGEST
from latelier.errors import Refusal


@dataclass(frozen=True)
class Chain:
    """Defaults: the paper's. They are one unit of time, over which a chain forgets a factor e of where it began."""

    step: float = 2e-4  # alpha
    steps: int = 5000
    temperature: float = 1.0  # 0 descends the energy without noise

    def __post_init__(self) -> None:
        for name, value in (("step", self.step), ("steps", self.steps), ("temperature", self.temperature)):
            if not 0 <= value <= LARGEST:
                most = f" and at most {LARGEST:g}" if value > LARGEST else ""
                raise Refusal(f"a Langevin chain has a {name} of at least 0{most}, not {value}")

    def run(self, z: Tensor, slope: Callable[[Tensor], Tensor], generator: Generator) -> Tensor:
        """[n, d], where n chains that begin at z [n, d] end: z <- z - step slope(z) + sqrt(2 step temperature) noise.

        ``slope`` is the gradient of the energy, [n, d] -> [n, d]. The noise comes from the generator's device."""
        end = z
        for end in self.walk(z, slope, generator):  # noqa: B007, the last is where they end
            pass
        return end

    def walk(self, z: Tensor, slope: Callable[[Tensor], Tensor], generator: Generator) -> Iterator[Tensor]:
        """Where the chains of ``run`` are after each step."""
        spread = math.sqrt(2 * self.step * self.temperature)
        for _ in range(self.steps):
            z = z - self.step * slope(z)
            if spread:
                noise = torch.randn(z.shape, generator=generator, device=generator.device, dtype=z.dtype)
                z = z + spread * noise.to(z.device)
            yield z


def posterior_slope(weight: Tensor, bias: Tensor, value: Tensor) -> Callable[[Tensor], Tensor]:
    """The slope of U(z) = -log p(y | z) + |z|^2 / 2 for p(y_i = 1 | z) = sigmoid(weight_i z + bias_i) and z ~ N(0, I).

    weight [a, d], bias [a], value [a] (1 or 0): the attributes that the draws shall have."""
    sign = 2 * value.to(weight) - 1

    def slope(z: Tensor) -> Tensor:
        wrong = torch.sigmoid(-sign * (z @ weight.T + bias))  # 1 - p(y_i | z), [n, a]
        return z - (sign * wrong) @ weight

    return slope
