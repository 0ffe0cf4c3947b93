"""A model of one level that can do all that such models can."""

import torch
from pictures.fakes import Fake
from torch import Generator, Tensor

from latelier.core import Classifies, Decides, Imputes


class Able(Fake, Classifies, Decides, Imputes):
    """Classifies by brightness, and fills in noise."""

    def classify(self, image: Tensor) -> Tensor:
        return torch.stack([image.mean((1, 2, 3)), 1 - image.mean((1, 2, 3))], 1)

    def likeliest(self, image: Tensor) -> Tensor:
        return self.classify(image)

    def decide(self, image: Tensor, draws: int, generator: Generator) -> Tensor:
        return self.classify(image) + torch.randn(draws, len(image), 2, generator=generator)

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        return known * image + (1 - known) * torch.rand(image.shape, generator=generator)
