"""The conditional variational autoencoder: encoder and decoder are given the class of an image, and the code holds what
the class leaves open (Sohn et al. 2015, NIPS 28, section 4; Kingma et al. 2014, arXiv 1406.5298, section 3).

Of labelled images it minimises -E_q(z|x,y) log p(x|y, z) + KL(q(z|x, y) || N(0, I)), minus a bound on log p(x|y). Its
prior of z does not hang on the class, where Sohn et al. learn one that does: as the decoder is given the class, it can
shift and scale z itself. For images without a label a linear classifier of the encoder's features predicts the class,
q(y|x); ``alpha`` times -log q(y|x) is added, as in ``m2`` (Kingma et al., eq. 9), which this is of labels alone."""

from dataclasses import dataclass

from torch import nn

from latelier.core import Batch, Losses, Metric, Progress, Refusal
from latelier.models.class_code import ClassCode, Nets, one_hot
from latelier.objectives import gaussian
from latelier.objectives.labels import cross_entropy
from latelier.objectives.reduction import summed


@dataclass(frozen=True)
class Config(Nets):
    """Defaults: the nets of ``vae`` and ``m2``."""

    alpha: float = 1.0  # of -log q(y|x), beside nats of pixels; more predicts classes better, and draws them worse

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise Refusal(
                f"cvae: it is conditioned on classes, 2 or more, not {self.classes}; give labels, and no label head"
            )


class Model(ClassCode):
    """``share_labelled`` is 1: an image without a label trains nothing of it."""

    share_labelled = 1.0
    config: Config

    def teller(self, features: int) -> nn.Module:
        return nn.Linear(features, self.classes)

    def monitor(self) -> Metric:
        return Metric("bound", words="negative bound on log p(image | class)")

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        known = (batch.label >= 0).float()  # of validation images some may have no label
        trunk, label = self.encoder(batch.image), one_hot(batch.label.clamp(min=0), self.classes)
        mean, log_variance = self.given(trunk, label)
        code = {"class": label, "z": gaussian.sample(mean, log_variance, progress.generator)}
        distortion = known * self.likelihood.distortion(batch.image, self.drawn(code))
        rate = known * summed(gaussian.kl_to_standard(mean, log_variance))
        label_loss = cross_entropy(self.tell(trunk), batch.label)
        report = {"distortion": distortion, "rate": rate, "bound": distortion + rate, "label loss": label_loss}
        if self.likelihood.is_density:
            report["elbo"] = -report["bound"]
        loss = (report["bound"] + self.config.alpha * label_loss).mean()
        return Losses({"model": loss}, report, {"class": label, "z": mean})
