"""The variational classifier, which VAC is and IntroVAC begins with: a VAE whose code predicts attributes by a linear
classifier without bias, so that an attribute is a direction (IntroVAC, section 3 and eqs. 3-5).

The source averages where we sum: the absolute error over all numbers of an image, the KL over the code's numbers, the
cross-entropy over the classifier's logits. Its weights are kept as they are quoted; of sums over c h w pixel values, d
latent dimensions and a + 1 logits, in nats an image, they are

    beta_ae / (c h w),   beta_reg / d,   beta_cl / (a + 1)

At 128 pixels in colour with 256 numbers a nat of KL weighs 5.76 times as much as a unit of summed absolute error."""

import math
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latelier.core import AttributeDirections, Batch, Directions, Finding, Metric, Refusal
from latelier.models.introspective import Config as Nets
from latelier.models.introspective import Introspective
from latelier.models.vae import Diagonal
from latelier.objectives.attributes import FAKE, cross_entropy
from latelier.objectives.gaussian import kl_to_standard
from latelier.objectives.reduction import summed
from latelier.rules.attributes import knowing


@dataclass(frozen=True)
class Config(Nets):
    """The weights are the source's, whose nets for 128 pixels are ``latent=256 width=1 optimiser.rate=2e-4``."""

    attributes: tuple[str, ...] = ()  # set from the data: all that it has, unless some are named
    beta_ae: float = 100.0  # of the mean absolute error
    beta_cl: float = 10.0  # of the mean cross-entropy
    beta_reg: float = 3.0  # of the mean KL

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.beta_ae, self.beta_cl, self.beta_reg) < 0:
            raise Refusal(
                f"weights are at least 0, but beta_ae is {self.beta_ae:g}, beta_cl {self.beta_cl:g} and beta_reg "
                f"{self.beta_reg:g}"
            )
        if FAKE in self.attributes or len(set(self.attributes)) < len(self.attributes):
            raise Refusal(
                f'attributes have names of their own, none of them "{FAKE}", not {", ".join(self.attributes)}'
            )


class Attributed(Introspective, AttributeDirections, ABC):
    """Encoder and classifier are one player. The last logit says "fake": of real images it learns no."""

    remedy: str  # where attributes are not learned, or edits do not show
    label_weight = 10.0  # of a label head's cross-entropy: as beta_cl's
    config: Config

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image)
        self.classifier = nn.Linear(config.latent, len(config.attributes) + 1, bias=False)
        self.players["coder"] = [self.encoder, self.classifier]
        self.beta_error = config.beta_ae / math.prod(image)  # of the summed error

    def monitor(self) -> Metric:
        return Metric("objective", words="weighted error + rate + attributes")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        """VAC's loss: the classifier's verdict on drawn images is a game's."""
        c, logits = self.config, len(self.config.attributes) + 1
        error, regular = self.beta_error * terms["absolute error"], c.beta_reg / c.latent * terms["rate"]
        return {"objective": error + regular + c.beta_cl / logits * terms["attributes"]}

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return knowing(facts, self.remedy)

    def logits(self, z: Tensor) -> Tensor:
        """[b, d] -> [b, a + 1]."""
        out: Tensor = self.classifier(z)
        return out.float()

    def known_as(self, batch: Batch, fake: int) -> Tensor:
        """[b, a + 1]: the attributes, and whether the image is fake."""
        return torch.cat([batch.attribute, batch.attribute.new_full((len(batch.image), 1), fake)], 1)

    def error(self, batch: Batch, again: Tensor) -> Tensor:
        """[b], summed."""
        return summed((again - batch.image).abs())

    def bound(self, batch: Batch, q: Diagonal, z: Tensor, again: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """[b], what VAC minimises, of codes z [b, d] drawn of q and their images; and its terms, unweighted."""
        error, rate = self.error(batch, again), summed(kl_to_standard(q.mean, q.log_variance))
        nats = cross_entropy(self.logits(z), self.known_as(batch, fake=0))
        regular = self.config.beta_reg / self.config.latent * rate
        loss = self.beta_error * error + regular + self.config.beta_cl * nats.mean(1)
        return loss, {"absolute error": error, "rate": rate, "attributes": nats[:, :-1].sum(1)}

    def directions_of(self, names: tuple[str, ...]) -> Directions:
        """Of the first logits, by these names."""
        weight = self.classifier.weight[: len(names)].detach()
        return Directions(names, {"z": weight}, weight.new_zeros(len(names)))
