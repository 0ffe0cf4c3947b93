"""What the deconvolutional network's encoder says of an image."""

from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from latelier.core import Code, Posterior
from latelier.nets.ascent import Ascent, Bottom, Choice, alike, hard, likeliest
from latelier.objectives import gaussian

if TYPE_CHECKING:
    from latelier.models.dgdn import Model


class Draws(Posterior):
    """q(s | x) q(z1 | x) q(z2 | x) ..., all read off one way up; or, where pooling keeps drawn values, q(z1 | x)
    q(z2 | z1, x) ... q(s | z, x): each draw is a way of its own, whose first filters all share."""

    rated = 16  # draws over which the divergence is averaged

    def __init__(self, model: "Model", image: Tensor):
        self.model, self.image = model, image
        self._bottom: Bottom | None = None  # no cached_property: its lock cannot be traced, before Python 3.12
        self._one: Ascent | None = None

    @property
    def bottom(self) -> Bottom:
        if self._bottom is None:
            self._bottom = self.model.encoder.bottom(self.image - self.model.centre.mean)
        return self._bottom

    @property
    def one(self) -> Ascent:
        """Without positions chosen."""
        if self._one is None:
            self._one = self.model.encoder(self.bottom, None)
        return self._one

    def mode(self) -> Code:
        """Of every layer the most likely positions, those below it given."""
        up = self.ascend(likeliest)
        return self.model.code(up, up.mean)

    def sample(self, generator: Generator) -> Code:
        up = self.ascend(hard(generator))
        return self.model.code(up, gaussian.sample(up.mean, up.log_variance, generator))

    def alike(self, generator: Generator) -> Code:
        up = self.ascend(alike(generator, len(self.image)))
        return self.model.code(up, gaussian.sample(up.mean, up.log_variance, generator, same=True))

    def rate(self) -> Code:
        """Means over ways up, drawn by the same numbers for each image: by the likeliest positions they are others."""
        if not self.model.averaged:
            return self.model.divergences(self.one)
        choose = alike(Generator(self.image.device).manual_seed(0), len(self.image))
        rates = [self.model.divergences(self.ascend(choose)) for _ in range(self.rated)]
        return {name: torch.stack([rate[name] for rate in rates]).mean(0) for name in rates[0]}

    def ascend(self, choose: Choice) -> Ascent:
        if self.model.averaged:
            found: Ascent = self.model.encoder(self.bottom, choose)
            return found
        return self.one._replace(weight=[choose(number, log_q) for number, log_q in enumerate(self.one.log_q)])
