"""The restricted Boltzmann machine: scikit-learn's BernoulliRBM, under the same verbs.

p(v, h) is proportional to exp(v^T W h + b^T v + c^T h) over binary v (pixels; grey ones are read as probabilities) and
h. Fitted by stochastic maximum likelihood, that is persistent contrastive divergence (Tieleman 2008), at a rate that
falls linearly to nothing, which lets the persistent chains catch up. The code is p(h = 1 | v).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.core import Code, Decodes, Encodes, Fits, HasFilters, Latent, Move, Posterior, Refusal, Samples
from latelier.core import Model as Base

STEPS = 2_000  # of a training, at least, unless epochs says otherwise
GIBBS = 200  # steps from a persistent chain to a sample


@dataclass(frozen=True)
class Config:
    """Defaults: the lecture's 1000 units; scikit-learn's own but for rate and epochs; 20 of these are too few for
    a small folder."""

    units: int = 1000
    rate: float = 0.05  # at the beginning
    batch: int = 100  # images, and persistent chains
    epochs: int | None = None  # none: 20, or as many as make STEPS steps

    def __post_init__(self) -> None:
        if min(self.units, self.batch, 1 if self.epochs is None else self.epochs) < 1 or self.rate <= 0:
            raise Refusal(
                f"rbm: units, batch and epochs are at least 1 and rate is above 0; not {self.units}, {self.batch}, "
                f"{self.epochs} and {self.rate}"
            )


class Factorial(Posterior):
    """q(h | v): independent coins of these probabilities [b, units]."""

    def __init__(self, probability: Tensor):
        self.probability = probability

    def mode(self) -> Code:
        return {"h": self.probability}

    def sample(self, generator: Generator) -> Code:
        return {"h": coin(self.probability, generator)}


class Model(Base, Encodes, Decodes, Samples, HasFilters, Fits):
    """Hidden and visible units given each other are independent, so both ways are exact."""

    fitted = "by scikit-learn, for as long as --set epochs=N says"
    weight: Tensor  # [units, pixels]
    visible: Tensor  # [pixels], b
    hidden: Tensor  # [units], c
    chains: Tensor  # [batch, units], where the persistent chains stand

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        pixels = math.prod(image)
        self.latents = {"h": Latent((config.units,), "bernoulli")}
        self.players = {}
        self.register_buffer("weight", 0.01 * torch.randn(config.units, pixels))
        self.register_buffer("visible", torch.zeros(pixels))
        self.register_buffer("hidden", torch.zeros(config.units))
        self.register_buffer("chains", torch.zeros(config.batch, config.units))

    def moves(self) -> tuple[Move, ...]:
        return ()

    def fit(self, image: Callable[[], Iterator[Tensor]], generator: Generator) -> dict[str, float]:
        from sklearn.neural_network import BernoulliRBM

        config, seed = self.config, int(torch.randint(2**31, (), generator=generator))
        random = np.random.RandomState(seed)  # the kind that scikit-learn takes
        solver = BernoulliRBM(config.units, learning_rate=config.rate, batch_size=config.batch, random_state=random)
        epochs = config.epochs or max(20, math.ceil(STEPS * config.batch / sum(len(block) for block in image())))
        for epoch in range(epochs):
            solver.learning_rate = config.rate * (1 - epoch / epochs)
            for rows in _batches(image(), config.batch, random):
                solver.partial_fit(rows)
        self.weight.copy_(torch.from_numpy(solver.components_))
        self.visible.copy_(torch.from_numpy(solver.intercept_visible_))
        self.hidden.copy_(torch.from_numpy(solver.intercept_hidden_))
        self.chains.copy_(torch.from_numpy(solver.h_samples_))
        error, count = 0.0, 0
        for block in image():
            again = self._down(self._up(block.flatten(1)))
            error, count = error + float((block.flatten(1) - again).square().sum()), count + len(block)
        return {"error": error / count}

    def encode(self, image: Tensor) -> Factorial:
        return Factorial(self._up(image.flatten(1)))

    def decode(self, code: Code) -> Tensor:
        return self._down(code["h"].float()).view(-1, *self.image)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        """``GIBBS`` steps from persistent chains drawn at random."""
        start = torch.randint(len(self.chains), (n,), generator=generator, device=generator.device)
        hidden = self.chains[start.to(self.chains.device)]
        for _ in range(GIBBS):
            hidden = coin(self._up(coin(self._down(hidden), generator)), generator)
        return {"h": hidden}

    def filters(self) -> Tensor:
        return self.weight.view(-1, *self.image)

    def _up(self, visible: Tensor) -> Tensor:
        return (visible @ self.weight.T + self.hidden).sigmoid()

    def _down(self, hidden: Tensor) -> Tensor:
        return (hidden @ self.weight + self.visible).sigmoid()


def coin(probability: Tensor, generator: Generator) -> Tensor:
    """0 or 1, each with its own probability of 1."""
    noise = torch.rand(probability.shape, generator=generator, device=generator.device)
    return (noise.to(probability.device) < probability).to(probability.dtype)


def _batches(blocks: Iterator[Tensor], size: int, random: np.random.RandomState) -> Iterator[np.ndarray]:
    """Rows [size, pixels], shuffled within about a hundred batches: the solver wants every batch of one size. A rest is
    filled up from rows that were drawn before."""
    held: list[np.ndarray] = []
    for block in blocks:
        held.append(block.flatten(1).numpy())
        if sum(map(len, held)) >= 100 * size:
            rows = random.permutation(np.concatenate(held))
            whole = len(rows) - len(rows) % size
            yield from rows[:whole].reshape(-1, size, rows.shape[1])
            held = [rows[whole:]]
    rows = random.permutation(np.concatenate(held))
    if len(rows) % size:
        rows = np.concatenate([rows, rows[random.randint(len(rows), size=-len(rows) % size)]])
    yield from rows.reshape(-1, size, rows.shape[1])
