"""Any model that encodes, with a head that reads its codes and teaches its encoder."""

import math

import torch
from torch import Generator, Tensor, nn

from latelier.core import (
    Batch,
    Classifies,
    Code,
    Decides,
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
from latelier.heads.label import LabelHead


class Joint(Wrapper, Classifies, Decides):
    """The inner model's moves, with the head's loss added to the player that owns the encoder; the head is a player of
    its own. The code is the one that the move drew, so that the head costs no second pass through the encoder."""

    def __init__(self, inner: Model, head: LabelHead):
        super().__init__()
        self.inner, self.head = inner, head
        self.image, self.latents = inner.image, inner.latents
        own: dict[str, list[nn.Module | nn.Parameter]] = {"head": [head]} if head.optimisers() else {}
        self.players = {**inner.players, **own}
        self.coder = need(inner, Encodes).coder
        self.read = latents_read(inner)

    def optimisers(self) -> dict[str, Optimiser]:
        return {**self.inner.optimisers(), **self.head.optimisers()}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def moves(self) -> tuple[Move, ...]:
        return tuple(self._with_head(move) for move in self.inner.moves())

    def classify(self, image: Tensor) -> Tensor:
        if not self.head.draws:
            return self.likeliest(image)
        # One picture after the other, with the same noise for each: its answer does not depend on its batch mates.
        rows = []
        for one in image:
            q = need(self.inner, Encodes).encode(one.expand(self.head.draws, *one.shape))
            rows.append(self._scores(q.sample(Generator(image.device).manual_seed(0))).mean(0))
        return self.head.probabilities(torch.stack(rows))

    def decide(self, image: Tensor, draws: int, generator: Generator) -> Tensor:
        q = need(self.inner, Encodes).encode(image)
        return torch.stack([self._scores(q.sample(generator)) for _ in range(draws)])

    def likeliest(self, image: Tensor) -> Tensor:
        return self.head.probabilities(self._scores(need(self.inner, Encodes).encode(image).mode()))

    def _scores(self, code: Code) -> Tensor:
        return self.head.scores(self._part(code))

    def _part(self, code: Code) -> Code:
        return {name: code[name] for name in self.read}

    def _with_head(self, move: Move) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            losses = move(batch, progress)
            if self.coder not in losses.minimise:
                return losses
            code = losses.code or need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss = self.head.loss(self._part(code), batch.label)
            player = "head" if "head" in self.players else None
            whole = added(losses, self.coder, code, loss, player, "label loss")
            if not self.training:
                whole.report["label errors"] = self.head.errors(self._part(code), batch.label)
            return whole

        return learn


def added(losses: Losses, coder: str, code: Code, loss: Tensor, player: str | None, term: str) -> Losses:
    """A head's loss [b] of the code added to what the ``coder`` minimises, and given to the head's own ``player`` if it
    has one. A further loss joins in the same way."""

    def join(further: Tensor) -> dict[str, Tensor]:
        own = {} if player is None else {player: loss.mean()}
        if losses.join:
            return {**losses.minimise, **losses.join(loss + further), **own}
        return {**losses.minimise, coder: losses.minimise[coder] + (loss + further).mean(), **own}

    report = {**losses.report, term: loss}
    return Losses(join(torch.zeros_like(loss)), report, code, join if losses.join else None)


def latents_read(model: Model) -> tuple[str, ...]:
    """The latents that a head reads: those that the model names, of a hierarchy the top level, otherwise all."""
    levels = need(model, HasLevels).levels()[-1:] if has(model, HasLevels) else ()
    return need(model, Encodes).read or levels or tuple(model.latents)


def width(model: Model) -> int:
    """Numbers that a head reads of the model's codes."""
    return sum(math.prod(model.latents[name].shape) for name in latents_read(model))
