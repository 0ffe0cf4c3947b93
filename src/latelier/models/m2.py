"""The semi-supervised variational autoencoder M2: an image has a class and a code, and the class may be unknown.

p(x, y, z) = p(y) p(z) p(x|y, z) with y even and z ~ N(0, I); q(y, z|x) = q(y|x) q(z|x, y). With L(x, y) the negative
bound of an image of class y, minimises L(x, y) where y is known, sum_y q(y|x) L(x, y) - H(q(y|x)) where it is not, and
alpha times -log q(y|x) of known labels beside it (Kingma et al. 2014, arXiv 1406.5298, eqs. 6 to 9). Where all labels
are known it is a conditional VAE (Sohn et al. 2015) with a classifier beside it. The two posteriors share a trunk,
which the source's do not; one draw of z is taken for each class, so that a step decodes as many images as classes."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from latelier.core import Batch, Losses, Metric, Progress, Refusal
from latelier.models.class_code import ClassCode, Nets, one_hot
from latelier.objectives import gaussian
from latelier.objectives.labels import cross_entropy
from latelier.objectives.reduction import summed


@dataclass(frozen=True)
class Config(Nets):
    """Defaults: the nets of ``vae``. alpha is .1 times the number of images for each labelled one in the source: 50 for
    100 labels of 50,000 images."""

    alpha: float = 50.0  # of -log q(y|x) of a labelled image, beside nats of pixels

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise Refusal(
                f"m2: it predicts classes itself, 2 or more, not {self.classes}; give labels, and no label head"
            )


class Model(ClassCode):
    """A code is a class, one of ``classes`` numbers 1 and the others 0, and what the class leaves open."""

    share_labelled = 0.5
    config: Config

    def teller(self, features: int) -> nn.Module:
        return nn.Sequential(nn.ReLU(), nn.Linear(features, self.classes))

    def monitor(self) -> Metric:
        return Metric("objective", words="negative bound + alpha label loss")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return {"objective": terms["bound"] + self.config.alpha * terms["label loss"]}

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        q, classes = self.encode(batch.image), self.classes
        z = gaussian.sample(q.mean, q.log_variance, progress.generator)
        every = torch.eye(classes, device=z.device).expand(len(z), -1, -1)
        output = self.drawn({"class": every.flatten(0, 1), "z": z.flatten(0, 1)})
        image = batch.image.repeat_interleave(classes, 0)
        distortion = self.likelihood.distortion(image, output).unflatten(0, (-1, classes))
        rate = summed(gaussian.kl_to_standard(q.mean, q.log_variance), keep=2)
        known = one_hot(batch.label.clamp(min=0), classes)
        share = torch.where(batch.label[:, None] >= 0, known, q.log_q.exp())  # of each class in the bound
        divergence = math.log(classes) - torch.special.entr(share).sum(1)
        bound = (share * (distortion + rate)).sum(1) + divergence
        label_loss = cross_entropy(q.log_q, batch.label)
        report = {
            "distortion": (share * distortion).sum(1),
            "rate": (share * rate).sum(1) + divergence,
            "bound": bound,
            "label loss": label_loss,
        }
        if self.likelihood.is_density:
            report["elbo"] = -bound
        return Losses({"model": (bound + self.config.alpha * label_loss).mean()}, report, q.mode())
