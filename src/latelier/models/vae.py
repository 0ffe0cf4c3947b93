"""The variational autoencoder and what prior, penalty and objective make of it: beta-VAE, capacity, InfoVAE,
beta-TCVAE, DIP-VAE, FactorVAE, IWAE, VampPrior.

Maximises E_q(z|x) log p(x|z) - KL(q(z|x) || p(z)) (Kingma & Welling 2014, arXiv 1312.6114, eq. 3), with p(z) = N(0,
I), q(z|x) a diagonal Gaussian given by the encoder, and the KL weighted or replaced by ``penalty`` (Higgins et al.
2017; Burgess et al. 2018; Zhao et al. 2017). Everything is summed over pixels and latents, so weights mean what they
mean there."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Generator, Tensor, nn

from latelier.core import (
    Batch,
    Code,
    Finding,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Refusal,
    Weighs,
)
from latelier.models.shared import DeclaredPrior, EncoderFilters, EncoderStages, Refills
from latelier.nets.conv import Conv
from latelier.nets.eval_mode import unremembered
from latelier.nets.introvac import Introvac
from latelier.nets.maps import Maps
from latelier.nets.mlp import Mlp
from latelier.nets.resnet import Resnet
from latelier.nets.resnet9 import Resnet9, Resnet18
from latelier.objectives import gaussian
from latelier.objectives.adversary import Image, Off
from latelier.objectives.bound import Elbo, Iwae
from latelier.objectives.likelihood import Bernoulli, Foreground, Gaussian, Likelihood, Squared
from latelier.objectives.penalty import Beta, Capacity, Dip, Factor, Mmd, Tc
from latelier.objectives.reduction import summed
from latelier.objectives.vamp import PseudoInputs, Standard, Vamp, drawn, log_mixture
from latelier.rules.samples import NEARER
from latelier.rules.shared import usual


@dataclass(frozen=True)
class Config:
    """Defaults: chosen by measurement for a folder of a thousand images (docs/defaults.md). The Chairs row of the
    lecture's table is ``likelihood=bernoulli net.hidden=256 net.activation=relu net.up=transposed
    optimiser.rate=1e-4``, its 2D-shapes row ``net=mlp latent=10 likelihood=bernoulli optimiser.kind=adagrad
    optimiser.rate=0.01``."""

    latent: int = 32  # dimensions; of net=maps, of each of its cells
    net: Mlp | Conv | Resnet | Resnet9 | Resnet18 | Introvac | Maps = Conv()
    likelihood: Bernoulli | Gaussian | Squared | Foreground = Gaussian()
    prior: Standard | Vamp = Standard()
    penalty: Beta | Capacity | Mmd | Tc | Dip | Factor = Beta()
    objective: Elbo | Iwae = Elbo()
    critic: Off | Image = Off()
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.latent < 1:
            raise Refusal(f"vae: latent is the number of latent dimensions, at least 1, not {self.latent}")
        if isinstance(self.prior, Vamp) and isinstance(self.penalty, Mmd):
            raise Refusal("vae: penalty=mmd compares codes with N(0, I); take another penalty beside prior=vamp")
        if isinstance(self.objective, Iwae) and (self.penalty != Beta() or self.critic != Off()):
            raise Refusal(
                "vae: objective=iwae bounds log p(x), in which the KL has weight 1 and no critic a part; leave penalty "
                "and critic as they are by default, or take objective=elbo"
            )


class Diagonal(Posterior):
    """q(z|x) = N(mean, exp(log_variance)), both [b, k], or [b, c, h, w] of maps."""

    def __init__(self, mean: Tensor, log_variance: Tensor):
        self.mean, self.log_variance = mean, log_variance

    def mode(self) -> Code:
        return {"z": self.mean}

    def sample(self, generator: Generator) -> Code:
        return {"z": gaussian.sample(self.mean, self.log_variance, generator)}

    def alike(self, generator: Generator) -> Code:
        return {"z": gaussian.sample(self.mean, self.log_variance, generator, same=True)}

    def several(self, draws: int, generator: Generator) -> Tensor:
        """[draws, b, ...], each image's own."""
        mean, log_variance = (part.expand(draws, *part.shape) for part in (self.mean, self.log_variance))
        return gaussian.sample(mean, log_variance, generator)

    def rate(self) -> Code:
        return {"z": gaussian.kl_to_standard(self.mean, self.log_variance)}


class Unrated(Diagonal):
    """The same beside a prior from which the divergence is not known number by number."""

    def rate(self) -> Code:
        return {}


class Model(DeclaredPrior, Refills, EncoderStages, EncoderFilters, Weighs):
    """``Config`` says which nets, likelihood and penalty."""

    higher = ("elbo", "iwae")

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        shape = config.net.code(config.latent, image) if isinstance(config.net, Maps) else (config.latent,)
        self.latents = {"z": Latent(shape, "gaussian" if isinstance(config.prior, Standard) else "point")}
        self.encoder = config.net.encoder(image, 2 * config.latent)
        self.decoder = config.net.decoder(config.latent, image)
        self.likelihood = config.likelihood.build()
        self.pixels = self.likelihood.pixels
        self.players = {"model": [self.encoder, self.decoder, self.likelihood]}
        if isinstance(config.prior, Vamp):
            self.pseudo = PseudoInputs(config.prior.components, image)
            self.players["model"].append(self.pseudo)
        self.critic = config.critic.build(image)
        if self.critic is not None:
            self.players["critic"] = [self.critic]
        if isinstance(config.penalty, Factor):
            self.discriminator = config.penalty.build(math.prod(shape))
            self.players["discriminator"] = [self.discriminator]

    def optimisers(self) -> dict[str, Optimiser]:
        own = {"discriminator": c.optimiser} if isinstance(c := self.config.penalty, Factor) else {}
        return {"model": self.config.optimiser, **self.config.critic.optimisers(), **own}

    def encode(self, image: Tensor) -> Diagonal:
        kind = Unrated if isinstance(self.config.prior, Vamp) else Diagonal
        return kind(*gaussian.halves(self.encoder(image)))

    def components(self) -> Diagonal:
        """The posteriors that ``prior=vamp`` mixes."""
        with unremembered(self.encoder):
            return self.encode(self.pseudo())

    def log_prior(self, z: Tensor, *, keep: int = 1) -> Tensor:
        """log p(z) in nats, summed over all but the first ``keep`` axes."""
        vamp = isinstance(self.config.prior, Vamp)
        return log_mixture(z, self.components(), keep=keep) if vamp else gaussian.log_standard(z, keep=keep)

    def rate(self, q: Diagonal, z: Tensor) -> Tensor:
        """[b] nats, KL(q(z|x) || p(z)): in closed form, or for a mixture log q(z|x) - log p(z) at the draw z of q."""
        if isinstance(self.config.prior, Vamp):
            return gaussian.log_density(z, q.mean, q.log_variance) - self.log_prior(z)
        return summed(gaussian.kl_to_standard(q.mean, q.log_variance))

    def sample_prior(self, n: int, generator: Generator) -> Code:
        vamp = isinstance(self.config.prior, Vamp)
        return {"z": drawn(self.components(), n, generator)} if vamp else super().sample_prior(n, generator)

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.decoder(code["z"]).float())

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        return log_weight(self.encode(image), image, samples, self.decoder, self.likelihood, generator, self.log_prior)

    def monitor(self) -> Metric:
        return Metric("objective", words="distortion + penalty")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return {"objective": terms["distortion"] + terms["penalty"]}

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return usual(facts, f"a smaller latent brings them nearer, and {NEARER}")

    def moves(self) -> tuple[Move, ...]:
        return (self.tighten if isinstance(self.config.objective, Iwae) else self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        q = self.encode(batch.image)
        code = q.sample(progress.generator)
        output = self.decoder(code["z"])
        distortion = self.likelihood.distortion(batch.image, output)
        rate = self.rate(q, code["z"])
        penalty = self.config.penalty(rate, q, code["z"], progress)
        loss, report = distortion + penalty, {"distortion": distortion, "rate": rate, "penalty": penalty}
        if self.likelihood.is_density:
            report["elbo"] = -distortion - rate
        losses = Losses(minimise={"model": loss.mean()}, report=report, code=code)
        if isinstance(self.config.penalty, Factor):
            losses = self.config.penalty.join(self.discriminator, code["z"], losses, progress)
        if self.critic is not None and isinstance(self.config.critic, Image):
            losses = self.config.critic.join(self.critic, batch.image, self.likelihood.mean(output), losses)
        return losses

    def tighten(self, batch: Batch, progress: Progress) -> Losses:
        """The move of ``objective=iwae``, whose penalty is what the bound takes beside the draws' mean distortion."""
        objective, q = self.config.objective, self.encode(batch.image)
        assert isinstance(objective, Iwae)
        draws, report = objective.draws, dict[str, Tensor]()

        def log_joint(z: Tensor) -> Tensor:
            image, output = batch.image.expand(draws, *batch.image.shape), self.decoder(z.flatten(0, 1))
            distortion: Tensor = self.likelihood.distortion(image.flatten(0, 1), output).unflatten(0, (draws, -1))
            report["distortion"] = distortion.mean(0)
            return self.log_prior(z, keep=2) - distortion

        z = q.several(draws, progress.generator)
        bound = objective.bound(q, z, log_joint)
        report |= {"rate": self.rate(q, z[0]), "penalty": -bound - report["distortion"], "iwae": bound}
        if self.likelihood.is_density:
            report["elbo"] = -report["distortion"] - report["rate"]
        return Losses(minimise={"model": -bound.mean()}, report=report, code={"z": z[0]})


def log_weight(
    q: Diagonal,
    image: Tensor,
    samples: int,
    decoder: nn.Module,
    likelihood: Likelihood,
    generator: Generator,
    log_prior: Callable[..., Tensor] = gaussian.log_standard,
) -> Tensor:
    """[s, b]: log p(x, z) - log q(z | x) in nats for z ~ q(z | x)."""
    z = q.several(samples, generator)
    output = decoder(z.flatten(0, 1)).unflatten(0, (samples, len(image)))
    log_joint = likelihood.log_likelihood(image, output, keep=2) + log_prior(z, keep=2)
    return log_joint - gaussian.log_density(z, q.mean, q.log_variance, keep=2)
