"""IntroVAC: VAC whose own classifier also recognises drawn images, so that the decoder learns to draw sharp ones.

Maggipinto et al. 2020, algorithm 1. One more logit of the linear classifier says "fake". Encoder and classifier learn
it on reconstructions and on images drawn of the prior (eqs. 6 and 7, weight beta_ec); the decoder learns that its
reconstructions show the right attributes and that both look real (weight beta_g). Both weigh cross-entropies in nats;
over the logits of a reconstruction their mean is taken, as in the authors' code, which for one attribute is half of eq.
6. Of images of the data the classifier reads the code drawn, of others the mean."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latelier.core import Batch, Directions, Losses, Move, Progress, Refusal
from latelier.models.attributed import Attributed
from latelier.models.attributed import Config as Base
from latelier.models.introspective import WARM, check_warm
from latelier.nets.eval_mode import unremembered
from latelier.objectives.attributes import FAKE, cross_entropy

SURE = 0.98  # of drawn images recognised as such, beyond which training the decoder against it makes little progress


@dataclass(frozen=True)
class Config(Base):
    """Of the source's weights; it trains 150 epochs in batches of 64, with ``--decay steps``."""

    beta_ec: float = 0.01  # of what encoder and classifier learn of drawn images
    beta_g: float = 5.0  # of what the decoder learns of their verdict
    pretrain: float = WARM  # share of the run in which it is VAC

    def __post_init__(self) -> None:
        super().__post_init__()
        check_warm(self.pretrain)
        if min(self.beta_ec, self.beta_g) < 0:
            raise Refusal(f"weights are at least 0, but beta_ec is {self.beta_ec:g} and beta_g {self.beta_g:g}")


class Model(Attributed):
    """The game within VAC."""

    config: Config
    remedy = "train longer, or raise beta_cl"

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image)

    def directions(self) -> Directions:
        """Of the attributes, and of what looks fake."""
        return self.directions_of((*self.config.attributes, FAKE))

    def moves(self) -> tuple[Move, ...]:
        return (self.discriminate, self.paint)

    def warming(self, progress: Progress) -> bool:
        """Whether it is VAC still."""
        return progress.seen < self.config.pretrain * progress.total

    def discriminate(self, batch: Batch, progress: Progress) -> Losses:
        """The coder's move: VAC's loss, and to recognise what is drawn."""
        q = self.encode(batch.image)
        code = q.sample(progress.generator)
        again, prior = self.draw(code["z"]), self.prior_beside(code["z"], progress)
        loss, report = self.bound(batch, q, code["z"], again)
        if not self.warming(progress):
            fake = [self.logits(one.mean)[:, -1] for one in self.made(again, prior)]
            real = self.logits(q.mean)[:, -1]
            fakes = functional.softplus(-fake[0]) + functional.softplus(-fake[1])
            apart = [(logit > real).float() for logit in fake]  # of a pair, one half by chance
            loss = loss + self.config.beta_ec * fakes
            report |= {"fakes": fakes, "fake accuracy": torch.stack(apart).mean(0)}
        return Losses({"coder": loss.mean()}, report, code)

    def paint(self, batch: Batch, progress: Progress) -> Losses:
        """The decoder's move: VAC's error, and to pass for real with the right attributes."""
        z, prior = self.codes(batch, progress)
        with unremembered(self.encoder, self.decoder):
            again = self.draw(z)
            loss = self.beta_error * self.error(batch, again)
            if self.warming(progress):
                return Losses({"decoder": loss.mean()}, {"decoder": loss})
            shown, fooled = self.seen_as_real(again, batch), self.seen_as_real(self.draw(prior), None)
        loss = loss + self.config.beta_g * (shown + fooled)
        return Losses({"decoder": loss.mean()}, {"decoder": loss, "reconstructions": shown, "samples": fooled})

    def seen_as_real(self, image: Tensor, batch: Batch | None) -> Tensor:
        """[b] nats: how far from real images they look to the coder, with the attributes of the batch if given."""
        logits = self.logits(self.encode(image).mean)
        if batch is None:
            return functional.softplus(logits[:, -1])
        return cross_entropy(logits, self.known_as(batch, fake=0)).mean(1)

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        if terms.get("fake accuracy", 0.0) <= SURE:
            return []
        return [
            "the classifier recognises nearly every drawn image, so training the decoder against it makes little "
            "progress: lower beta_ec, or raise pretrain"
        ]
