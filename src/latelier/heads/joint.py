"""Any model that encodes, with a head that reads its codes and trains its encoder."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.core import (
    Batch,
    Classifies,
    Code,
    Decides,
    Decodes,
    Encodes,
    Finding,
    Losses,
    Metric,
    Model,
    Move,
    Optimiser,
    Progress,
    Wrapper,
    has,
    need,
)
from latelier.core.looks import Looks
from latelier.data.batches import Batches
from latelier.heads.caption import CaptionHead
from latelier.heads.label import LabelHead
from latelier.heads.reading import codes_of, draws_alike, in_blocks, latents_read, seen, typical
from latelier.heads.unlabelled import over_views, remarks
from latelier.learners.propagation import blurred
from latelier.nets.eval_mode import evaluating, unremembered

AVERAGED = 0.02  # share of a run: half-life of the averaged weights, with which images without a label are judged
SHARP = 24  # size in px, below which every pixel counts
PIECE, REACHED = 5_000, 60_000  # images at once, and at most, that learn from a graph which they are not in
FEWEST = 20  # labelled validation images whose error chooses between checkpoints


class Headed(Wrapper):
    """The inner model and a head, which is a player of its own under its ``name`` if it has something to learn."""

    def __init__(self, inner: Model, name: str, head: LabelHead | CaptionHead):
        super().__init__()
        self.inner = inner
        self.add_module(name, head)
        self.name, self.own = name, head.optimisers()
        self.image, self.latents, self.schedule = inner.image, inner.latents, inner.schedule
        self.players = {**inner.players, **({name: [head]} if self.own else {})}
        encoder = need(inner, Encodes)
        self.coder, self.averaged, self.read = encoder.coder, encoder.averaged, latents_read(inner)

    def optimisers(self) -> dict[str, Optimiser]:
        return {**self.inner.optimisers(), **self.own}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return self.inner.measures(terms)

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return self.inner.findings(facts)

    def part(self, code: Code) -> Code:
        """What the head reads of a code."""
        return {name: code[name] for name in self.read}

    def with_head(self, move: Move, loss: Callable[[Code, Batch, Progress], tuple[Tensor, dict[str, Tensor]]]) -> Move:
        """The inner model's move, with the head's ``loss`` [b] added to the player that owns the encoder, and what
        there is to report. The code is the one that the move drew: the head costs no second pass of the encoder."""

        def learn(batch: Batch, progress: Progress) -> Losses:
            losses = move(batch, progress)
            if self.coder not in losses.minimise:
                return losses
            code = losses.code or need(self.inner, Encodes).encode(batch.image).sample(progress.generator)
            further, report = loss(self.part(code), batch, progress)
            return added(losses, self.coder, code, further, self.name if self.own else None, report)

        return learn


class Joint(Headed, Classifies, Decides, Looks):
    """A label head, which learns along with every move."""

    head: LabelHead

    def __init__(self, inner: Model, head: LabelHead):
        super().__init__(inner, "head", head)
        if head.unlabelled is not None:
            self.schedule = replace(inner.schedule, ema=AVERAGED)
        # An encoder alone has nothing to learn of images as they are, and would read again what its move has read.
        self.alone = head.unlabelled is not None and not has(inner, Decodes)

    def tells(self, labelled: int, captioned: int) -> bool:
        return labelled >= FEWEST

    def monitor(self) -> Metric:
        return Metric("label error %")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        known = terms.get("labelled", 0.0)
        own = {"label error %": 100 * terms["label errors"] / known} if known else {}
        return {**self.inner.measures(terms), **own}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        others = self.head.unlabelled
        own = [] if others is None else remarks(terms, len(others.prior), bool(self.head.config.prior), others.asks)
        return [*super().remarks(terms, seen), *own]

    def moves(self) -> tuple[Move, ...]:
        own = self.inner.moves()
        return tuple(self.with_head(self._looked(move) if self.alone else move, self._loss) for move in own)

    def _looked(self, move: Move) -> Move:
        """The move of an encoder that learns from changed views alone: what it reads of images as they are is a guess,
        and costs no way back; nor is it read where nothing asks for it."""

        def learn(batch: Batch, progress: Progress) -> Losses:
            others = self.head.unlabelled
            if self.training and others is not None and not others.asks:
                nothing = {
                    name: batch.image.new_zeros(len(batch.image), *part.shape) for name, part in self.latents.items()
                }
                return Losses({self.coder: batch.image.new_zeros(())}, {}, nothing)
            with torch.no_grad():
                return move(batch, progress)

        return learn

    def classify(self, image: Tensor) -> Tensor:
        if self.head.unlabelled is not None and self.head.config.views:
            return over_views(self.likeliest, image, self.head.unlabelled.turn, self.head.config.views)
        draws = self.head.draws or self.averaged
        if not draws:
            return self.likeliest(image)
        each = [self._scores(code) for code in draws_alike(self.inner, image, draws)]
        return self.head.probabilities(torch.stack(each).mean(0))

    def decide(self, image: Tensor, draws: int, generator: Generator) -> Tensor:
        encoder, others = need(self.inner, Encodes), self.head.unlabelled
        if others is not None and self.head.config.views:  # each draw is of a changed view, as what ``classify`` says
            seen = (others.turn(image, generator, alike=True) for _ in range(draws))
            return torch.stack([self._scores(encoder.encode(view).sample(generator)) for view in seen])
        q = encoder.encode(image)
        return torch.stack([self._scores(q.sample(generator)) for _ in range(draws)])

    def likeliest(self, image: Tensor) -> Tensor:
        """By the most likely code, or one draw where that is not typical."""
        return self.head.probabilities(self._scores(typical(self.inner, image, 1)[0]))

    def _scores(self, code: Code) -> Tensor:
        return self.head.scores(self.part(code))

    def times(self) -> tuple[float, ...]:
        return (0.0,) if self.head.config.unlabelled == "words" else self.head.config.rounds

    def look(self, batches: Batches, progress: Progress) -> dict[str, float]:
        """What the labelled images say of others is found anew; where that goes by codes, at the very start, when they
        say nothing yet, by pixels."""
        if self.head.unlabelled is None:
            return {}

        def codes(rows: Tensor) -> np.ndarray:
            if progress.seen:
                return codes_of(self, batches, rows)
            return in_blocks(batches, rows, lambda image: {"pixels": blurred(image, SHARP, padded=True)})

        rows, others = batches.labelled_and_some(self.head.config.pool, REACHED)
        return self.head.unlabelled.follow(batches, rows, others.split(PIECE) if len(others) else (), codes)

    def _loss(self, part: Code, batch: Batch, progress: Progress) -> tuple[Tensor, dict[str, Tensor]]:
        loss = self.head.loss(part, batch.label)
        if self.training:
            return self._with_views(part, loss, batch, progress)
        errors, known = self.head.errors(part, batch.label), (batch.label >= 0).float()
        return loss, {"label loss": loss, "label errors": errors, "labelled": known}

    def _with_views(
        self, part: Code, loss: Tensor, batch: Batch, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the labels, and of strong views: half as much each for labelled images, and for others the view's
        loss alone, of the class that they are guessed to have."""
        others = self.head.unlabelled
        if others is None:
            return loss, {"label loss": loss}
        with evaluating(self.head):
            said = self.head.probabilities(self.head.scores(part))  # of the move's own draw: it costs no further pass
            guess = others.guess(said, batch.label, batch.index, batch.truth)
        with unremembered(self.inner):
            view = others.changed(batch.image, progress.generator)
            if self.alone:
                mild = others.turn(batch.image, progress.generator)
                view = torch.where((batch.label >= 0)[:, None, None, None], mild, view)
            again = self.part(seen(self.inner, view, progress.generator))
        known = batch.label >= 0
        if 2 * progress.seen >= progress.total:  # earlier on few have a pseudo-label, and the easy ones
            guess.report["pseudo imbalance"] = others.imbalance().expand(len(known))
        further = self.head.loss(again, torch.where(known, batch.label, guess.label))
        if guess.share is not None:
            further = further + self.head.softly(again, guess.share)
        whole = further if self.alone else torch.where(known, 0.5 * (loss + further), further)
        return whole, {"label loss": loss, "view loss": further, **guess.report}


def added(
    losses: Losses, coder: str, code: Code, loss: Tensor, player: str | None, report: dict[str, Tensor]
) -> Losses:
    """A head's loss [b] of the code added to what the ``coder`` minimises. The head's own ``player``, if it has one,
    and who shared the coder's scalar minimise the sum too: its other terms know nothing of them, and all gradients
    come of one way back. A further loss joins in the same way."""
    before = losses.minimise[coder]

    def join(further: Tensor) -> dict[str, Tensor]:
        after = losses.join(loss + further) if losses.join else {coder: before + (loss + further).mean()}
        own = {} if player is None else {player: after[coder]}
        shared = {name: after[coder] for name, value in losses.minimise.items() if value is before}
        return {**losses.minimise, **shared, **after, **own}

    report = {**losses.report, **report}
    return Losses(join(torch.zeros_like(loss)), report, code, join if losses.join else None)
