"""Any model that encodes, with a head that reads its codes and teaches its encoder."""

import math

from torch import Tensor, nn

from latelier.core import Batch, Classifies, Encodes, Losses, Model, Move, Optimiser, Progress, Wrapper, need
from latelier.heads.softmax import Head


class Joint(Wrapper, Classifies):
    """The inner model's moves, with the head's loss added to the player that owns the encoder; the head is a player of
    its own. The code is the one that the move drew, so that the head costs no second pass through the encoder."""

    def __init__(self, inner: Model, head: Head):
        super().__init__()
        self.inner, self.head = inner, head
        self.image, self.latents = inner.image, inner.latents
        self.players: dict[str, list[nn.Module | nn.Parameter]] = {**inner.players, "head": [head]}
        self.coder = need(inner, Encodes).coder

    def optimisers(self) -> dict[str, Optimiser]:
        return {**self.inner.optimisers(), "head": self.head.config.optimiser}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def moves(self) -> tuple[Move, ...]:
        return tuple(self._with_head(move) for move in self.inner.moves())

    def classify(self, image: Tensor) -> Tensor:
        return self.head.probabilities(need(self.inner, Encodes).encode(image).mode())

    def _with_head(self, move: Move) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            losses = move(batch, progress)
            if self.coder not in losses.minimise:
                return losses
            code = losses.code or need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss = self.head.loss(code, batch.label)
            minimise = {**losses.minimise, "head": loss.mean()}
            minimise[self.coder] = losses.minimise[self.coder] + loss.mean()
            return Losses(minimise, {**losses.report, "label loss": loss}, code)

        return learn


def width(model: Model) -> int:
    """Numbers in a code of the model."""
    return sum(math.prod(latent.shape) for latent in model.latents.values())
