"""Any model that encodes, with a head that writes captions of its codes and, if it shall, teaches its encoder."""

from collections.abc import Sequence

from torch import Tensor, nn

from latelier.core import (
    Batch,
    Captions,
    Code,
    Encodes,
    Losses,
    Model,
    Move,
    Optimiser,
    Progress,
    Wrapper,
    Written,
    need,
)
from latelier.heads.caption import CaptionHead, TwoStep
from latelier.heads.joint import added, latents_read
from latelier.nets.modes import evaluating


class Captioned(Wrapper, Captions):
    """The inner model's moves, with the writer's loss added to the player that owns the encoder, or in two steps. The
    inner model may have a label head."""

    def __init__(self, inner: Model, writer: CaptionHead):
        super().__init__()
        self.inner, self.writer = inner, writer
        self.image, self.latents = inner.image, inner.latents
        self.players: dict[str, list[nn.Module | nn.Parameter]] = {**inner.players, "writer": [writer]}
        self.coder, self.read = need(inner, Encodes).coder, latents_read(inner)

    def optimisers(self) -> dict[str, Optimiser]:
        return {**self.inner.optimisers(), **self.writer.optimisers()}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def words(self) -> tuple[str, ...]:
        return self.writer.words

    def log_caption(self, code: Code, caption: Tensor) -> Tensor:
        return self.writer.log_likelihood(self._part(code), caption)

    def describe(self, codes: Sequence[Code], beam: int, longest: int) -> Written:
        return self.writer.write([self._part(code) for code in codes], beam, longest)

    def moves(self) -> tuple[Move, ...]:
        learning = self.writer.config.learning
        if not isinstance(learning, TwoStep):
            return tuple(map(self._joint, self.inner.moves()))
        return tuple(self._in_turn(move, number, learning.share) for number, move in enumerate(self.inner.moves()))

    def _part(self, code: Code) -> Code:
        return {name: code[name] for name in self.read}

    def _joint(self, move: Move) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            losses = move(batch, progress)
            if self.coder not in losses.minimise:
                return losses
            code = losses.code or need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss = self.writer.loss(self._part(code), batch.caption, progress.generator)
            return added(losses, self.coder, code, loss, "writer", "caption loss")

        return learn

    def _in_turn(self, move: Move, number: int, share: float) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            first = progress.seen < share * progress.total
            losses = move(batch, progress) if first else Losses({}, {})
            if number or (first and self.training):
                return losses
            with evaluating(self.inner):
                code = need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss = self.writer.loss(self._part(code), batch.caption, progress.generator)
            report = {**losses.report, "caption loss": loss}  # validation has it from the start, to judge by
            return Losses(losses.minimise if first else {"writer": loss.mean()}, report, code)

        return learn
