"""Any model that encodes, with a head that writes captions of its codes and, if it shall, trains its encoder."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from latelier.core import (
    PADDING,
    Batch,
    Captions,
    Code,
    Encodes,
    Losses,
    Metric,
    Model,
    Move,
    Progress,
    Written,
    need,
)
from latelier.data.augment import Augment
from latelier.heads.caption import CaptionHead, Joint, TwoStep
from latelier.heads.joint import FEWEST, Headed
from latelier.heads.reading import seen
from latelier.nets.eval_mode import evaluating, unremembered

TURN = 0.5  # strength of affine changes of what is captioned


class Captioned(Headed, Captions):
    """A caption head, which learns along with every move or in two steps. The inner model may have a label head."""

    writer: CaptionHead

    def __init__(self, inner: Model, writer: CaptionHead):
        super().__init__(inner, "writer", writer)
        # What a caption says of colours, of left and right and of what is there, a change must leave alone.
        self.view = Augment(shift=min(inner.image[1:]) // 8, affine=TURN)

    def tells(self, labelled: int, captioned: int) -> bool:
        return captioned >= FEWEST

    def monitor(self) -> Metric:
        return Metric("caption loss")

    def words(self) -> tuple[str, ...]:
        return self.writer.words

    def log_caption(self, code: Code, caption: Tensor) -> Tensor:
        return self.writer.log_likelihood(self.part(code), caption)

    def describe(self, codes: Sequence[Code], beam: int, longest: int) -> Written:
        return self.writer.write([self.part(code) for code in codes], beam, longest)

    def moves(self) -> tuple[Move, ...]:
        learning = self.writer.config.learning
        if not isinstance(learning, TwoStep):
            return tuple(self._later(move, learning) for move in self.inner.moves())
        return tuple(self._in_turn(move, number, learning) for number, move in enumerate(self.inner.moves()))

    def _loss(self, part: Code, batch: Batch, progress: Progress) -> tuple[Tensor, dict[str, Tensor]]:
        loss = self.writer.loss(part, batch.caption, progress.generator)
        if self.training and self.writer.config.uncaptioned == "consistent":
            return self._with_views(part, loss, batch, progress)
        return loss, {"caption loss": loss}

    def _with_views(
        self, part: Code, loss: Tensor, batch: Batch, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the captions, and of changed views: half as much each for captioned images, and for others the
        view's loss alone, of as much of a caption as the head is sure of (Sohn et al. 2020, eq. 4, word by word)."""
        known = (batch.caption != PADDING).any(1)
        with evaluating(self.writer):
            guess, share = self.writer.guess(part, self.writer.config.longest)
        width = max(guess.shape[1], batch.caption.shape[1])
        own, guess = (functional.pad(each, (0, width - each.shape[1])) for each in (batch.caption, guess))
        with unremembered(self.inner):
            view = self.view(batch.image, progress.generator)
            again = self.part(seen(self.inner, view, progress.generator))
        further = self.writer.loss(again, torch.where(known[:, None], own, guess), progress.generator)
        whole = torch.where(known, 0.5 * (loss + further), share * further)
        others = (~known).sum()
        kept = torch.where(others > 0, (share * ~known).sum() / others.clamp(min=1), 1.0)
        return whole, {"caption loss": loss, "view loss": further, "pseudo kept": kept.expand(len(known))}

    def _later(self, move: Move, learning: Joint) -> Move:
        with_head = self.with_head(move, self._loss)

        def learn(batch: Batch, progress: Progress) -> Losses:
            alone = self.training and learning.alone(progress)
            return move(batch, progress) if alone else with_head(batch, progress)  # validation judges from the start

        return learn

    def _in_turn(self, move: Move, number: int, learning: TwoStep) -> Move:
        def learn(batch: Batch, progress: Progress) -> Losses:
            first = learning.alone(progress)
            # Validation judges both from the start to the end: the model also where it stands still.
            losses = move(batch, progress) if first or not self.training else Losses({}, {})
            if number or (first and self.training):
                return losses
            with evaluating(self.inner):
                code = need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            loss, report = self._loss(self.part(code), batch, progress)
            minimise = losses.minimise if first else {"writer": loss.mean()}
            return Losses(minimise, {**losses.report, **report}, code)

        return learn
