"""HALI's encoder without its game: the chain of its up-going conditionals (table 4), by their means, under a head.

The row ``hali-encoder`` of unlabelled.py: what the hierarchy's nets are worth to few labels where no adversary and
no decoder learns beside them."""

from dataclasses import dataclass

from torch import Tensor, nn

from latelier.core import Batch, Encodes, Latent, Losses, Metric, Move, Optimiser, Progress
from latelier.core import Model as Base
from latelier.models.autoencoder import Point
from latelier.models.hali import Gaussian
from latelier.nets import hali


@dataclass(frozen=True)
class Config:
    """As ``latelier.models.hali``'s, where it has the same fields."""

    levels: tuple[int, int] = (64, 256)
    width: float = 0.25
    slope: float = 0.02
    optimiser: Optimiser = Optimiser(rate=2e-3)


class Model(Base, Encodes):
    """Learns nothing by itself: the head around it does."""

    label_weight = 1.0

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        plan = hali.Plan(image, config.levels, config.width, config.slope)
        self.lower = nn.Sequential(*hali.first_up(plan).values())
        self.upper = hali.last_up(plan, config.levels[0])
        self.latents = {"z": Latent((config.levels[1],), "point")}
        self.players = {"model": [self.lower, self.upper]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Point:
        return Point({"z": Gaussian(self.upper(Gaussian(self.lower(image)).mean)).mean})

    def monitor(self) -> Metric:
        return Metric("cross-entropy")

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        z = self.encode(batch.image).mode()["z"]
        return Losses(minimise={"model": z.new_zeros(())}, report={}, code={"z": z})
