"""A model of one level that can do all that such models can."""

from collections.abc import Sequence

import torch
from sheets.fakes import Fake
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import Captions, Classifies, Code, Decides, Imputes, Written


class Able(Fake, Captions, Classifies, Decides, Imputes):
    """Classifies by brightness, fills in noise, and writes "light" or "dark" by the sign of its first number."""

    def words(self) -> tuple[str, ...]:
        return ("<padding>", "<end>", "<unknown>", "light", "dark")

    def log_caption(self, code: Code, caption: Tensor) -> Tensor:
        sign = 1 - 2.0 * (caption[:, 0] == 4)
        return functional.logsigmoid(8 * sign * code["z"][:, 0])

    def describe(self, codes: Sequence[Code], beam: int, longest: int) -> Written:
        word = torch.where(codes[0]["z"][:, 0] > 0, 3, 4)
        return Written(torch.stack([word, torch.ones_like(word)], 1), -word.float())

    def classify(self, image: Tensor) -> Tensor:
        return torch.stack([image.mean((1, 2, 3)), 1 - image.mean((1, 2, 3))], 1)

    def likeliest(self, image: Tensor) -> Tensor:
        return self.classify(image)

    def decide(self, image: Tensor, draws: int, generator: Generator) -> Tensor:
        return self.classify(image) + torch.randn(draws, len(image), 2, generator=generator)

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        return known * image + (1 - known) * torch.rand(image.shape, generator=generator)
