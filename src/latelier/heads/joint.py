"""Any model that encodes, with a head that reads its codes and teaches its encoder."""

import math

from torch import Tensor, nn

from latelier.core import (
    Batch,
    Classifies,
    Code,
    Encodes,
    HasLevels,
    Losses,
    Model,
    Move,
    Optimiser,
    Progress,
    Wrapper,
    has,
    need,
)
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
        self.read = latents_read(inner)

    def optimisers(self) -> dict[str, Optimiser]:
        return {**self.inner.optimisers(), "head": self.head.config.optimiser}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def moves(self) -> tuple[Move, ...]:
        return tuple(self._with_head(move) for move in self.inner.moves())

    def classify(self, image: Tensor) -> Tensor:
        return self.head.probabilities(self._part(need(self.inner, Encodes).encode(image).mode()))

    def _part(self, code: Code) -> Code:
        return {name: code[name] for name in self.read}

    def _with_head(self, move: Move) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            losses = move(batch, progress)
            if self.coder not in losses.minimise:
                return losses
            code = losses.code or need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss = self.head.loss(self._part(code), batch.label)
            minimise = {**losses.minimise, "head": loss.mean()}
            minimise[self.coder] = losses.minimise[self.coder] + loss.mean()
            return Losses(minimise, {**losses.report, "label loss": loss}, code)

        return learn


def latents_read(model: Model) -> tuple[str, ...]:
    """The latents that a head reads: of a hierarchy the top level, otherwise all."""
    return need(model, HasLevels).levels()[-1:] if has(model, HasLevels) else tuple(model.latents)


def width(model: Model) -> int:
    """Numbers that a head reads of the model's codes."""
    return sum(math.prod(model.latents[name].shape) for name in latents_read(model))
