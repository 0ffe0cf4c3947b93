"""IntroVAE: a VAE whose encoder also recognises drawn images, by the KL of their codes.

Huang et al. 2018 (arXiv 1807.06358), algorithm 1: the encoder wants the KL of drawn images above a margin, the
decoder wants it small. The error is squared and summed, the KL summed: in nats an image, as here. The decoder's output
is linear."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from latelier.core import Batch, Finding, Losses, Metric, Move, Optimiser, Progress, Refusal
from latelier.models.introspective import WARM, Introspective, check_warm
from latelier.models.introspective import Config as Nets
from latelier.models.vae import Diagonal
from latelier.nets.eval_mode import unremembered
from latelier.objectives.gaussian import kl_to_standard
from latelier.objectives.reduction import summed
from latelier.rules.shared import usual

SOURCE = 0.05 * 3 * 256**2  # its authors' weight of an image's squared error, were all of it in one pixel value


@dataclass(frozen=True)
class Config(Nets):
    """Defaults: for small images. Its authors', for 256 pixels, are ``latent=512 width=1 margin=120 weight_rec=0.05
    optimiser.rate=2e-4``; a smaller code wants a smaller margin, and an image of fewer pixels more weight on each."""

    optimiser: Optimiser = Optimiser(rate=5e-4)
    margin: float = 100.0  # nats of KL that drawn images shall have for the encoder
    weight_rec: float | None = None  # of the squared error; none: .05 at 256 pixels in colour, where it sums as many
    weight_neg: float = 0.5  # of what the encoder learns of drawn images, mean of reconstructions and samples
    pretrain: float = WARM  # share of the run in which it is a VAE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_warm(self.pretrain)
        if min(self.margin, self.weight_rec or 0.0, self.weight_neg) < 0:
            raise Refusal(
                f"introvae: margin {self.margin:g}, weight_rec {self.weight_rec} and weight_neg {self.weight_neg:g} "
                "are at least 0"
            )


class Model(Introspective):
    """No labels, and no net beside encoder and decoder."""

    label_weight = 1.0
    config: Config

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image, late=True)
        self.weight_rec = SOURCE / math.prod(image) if config.weight_rec is None else config.weight_rec

    def draw(self, z: Tensor) -> Tensor:
        out: Tensor = self.decoder(z)
        return out.float()

    def monitor(self) -> Metric:
        return Metric("squared error")  # the rate is part of the game: weighed in, it keeps codes that hold nothing

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """Samples are what its game is about."""
        return usual(facts, level="warning")

    def moves(self) -> tuple[Move, ...]:
        return (self.discriminate, self.paint)

    def warming(self, progress: Progress) -> bool:
        """Whether it is a VAE still."""
        return progress.seen < self.config.pretrain * progress.total

    def discriminate(self, batch: Batch, progress: Progress) -> Losses:
        """The encoder's move."""
        c, q = self.config, self.encode(batch.image)
        code = q.sample(progress.generator)
        again, prior = self.draw(code["z"]), self.prior_beside(code["z"], progress)
        error, rate = summed((again - batch.image).square()), nats(q)
        loss, report = self.weight_rec * error + rate, {"squared error": error, "rate": rate}
        if not self.warming(progress):
            recons, samples = (nats(one) for one in self.made(again, prior))
            lacking = ((c.margin - recons).relu() + (c.margin - samples).relu()) / 2
            loss = loss + c.weight_neg * lacking
            report |= {"rate of reconstructions": recons, "rate of samples": samples}
        return Losses({"coder": loss.mean()}, report, code)

    def paint(self, batch: Batch, progress: Progress) -> Losses:
        """The decoder's move."""
        z, prior = self.codes(batch, progress)
        with unremembered(self.encoder, self.decoder):
            again = self.draw(z)
            loss = self.weight_rec * summed((again - batch.image).square())
            if not self.warming(progress):
                loss = loss + (nats(self.encode(again)) + nats(self.encode(self.draw(prior)))) / 2
        return Losses({"decoder": loss.mean()}, {"decoder": loss})


def nats(q: Diagonal) -> Tensor:
    """[b], KL from the prior."""
    return summed(kl_to_standard(q.mean, q.log_variance))
