"""The vector-quantised autoencoder: each cell of a map is one of a codebook's vectors (van den Oord et al. 2017, arXiv
1711.00937).

The encoder's vector of a cell is replaced by the nearest entry; the decoder's gradient reaches the encoder as if it
had not been (section 3.2), and ``commitment`` holds the encoder to the entries (eq. 3). Entries follow the encoder as
running means (appendix A.1). Where the source learns an autoregressive prior, ours is how often each entry was used at
each cell: it makes log p(x | z) + log p(z) at the code itself a bound on log p(x), for p sums over all codes."""

from dataclasses import dataclass, field

from torch import Generator, Tensor

from latelier.config.settings import LEAST
from latelier.core import (
    Batch,
    Code,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Progress,
    Quantises,
    Refusal,
    Samples,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models.autoencoder import Point
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.codebook import Codebook, perplexity
from latelier.nets.maps import Maps
from latelier.objectives import categorical
from latelier.objectives.likelihood import Bernoulli, Gaussian, Squared
from latelier.objectives.reduction import summed

UNUSED_FROM = 20_000  # images, after which a codebook of which one entry is used will stay so


@dataclass(frozen=True)
class Config:
    """Defaults: a codebook of 128 for a thousand small images; the source's has 512 entries of 64 numbers."""

    codes: int = 128  # entries of the codebook
    latent: int = field(default=16, metadata={LEAST: 1})  # numbers of an entry
    net: Maps = Maps()
    likelihood: Bernoulli | Gaussian | Squared = Gaussian()
    commitment: float = 0.25  # of the squared distance from the encoder's vectors to their entries, summed
    decay: float = 0.99  # of the running means, a batch
    revive: float = 0.1  # of its even share of use, under which an entry begins anew; 0: never
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.codes < 2:
            raise Refusal(f"vq: codes is the number of a codebook's entries, at least 2, not {self.codes}")
        if not (0 <= self.decay < 1 and 0 <= self.revive < 1):
            raise Refusal(f"vq: decay {self.decay:g} and revive {self.revive:g} are shares from 0 to below 1")


class Model(Base, Refills, EncoderStages, EncoderFilters, Samples, Weighs, Quantises):
    """A code is its entries' vectors, which heads and probes can read; ``decode`` takes each cell to the nearest
    entry first, so that a code that was edited is one of the codebook's again."""

    higher = ("elbo", "perplexity")

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        width, h, w = config.net.code(config.latent, image)
        self.latents = {"z": Latent((width, h, w), "point")}
        self.encoder = config.net.encoder(image, width)
        self.decoder = config.net.decoder(width, image)
        self.likelihood = config.likelihood.build()
        self.pixels = self.likelihood.pixels
        self.codebook = Codebook(config.codes, width, (h, w), config.decay, config.revive)
        self.players = {"model": [self.encoder, self.decoder, self.likelihood]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def encode(self, image: Tensor) -> Point:
        return Point({"z": self.codebook.vectors(self.index(image))})

    def index(self, image: Tensor) -> Tensor:
        """int64 [b, h, w], the number of each cell's entry."""
        return self.codebook.nearest(self.encoder(image))

    def decode(self, code: Code) -> Tensor:
        entries = self.codebook.vectors(self.codebook.nearest(code["z"]))
        return self.likelihood.mean(self.decoder(entries).float())

    def entries(self) -> int:
        return self.config.codes

    def symbols(self, code: Code) -> Tensor:
        return self.codebook.nearest(code["z"]).flatten(1)

    def of_symbols(self, symbols: Tensor) -> Code:
        return {"z": self.codebook.vectors(symbols.unflatten(1, self.latents["z"].shape[1:]))}

    def sample_prior(self, n: int, generator: Generator) -> Code:
        log_p = self.codebook.chances().log()  # [codes, h, w]
        by_cell = log_p.flatten(1).T[..., None].expand(-1, -1, n)  # [cells, codes, n]
        index = categorical.draw(by_cell, generator).T.unflatten(1, log_p.shape[1:])
        return {"z": self.codebook.vectors(index)}

    def log_prior(self, index: Tensor) -> Tensor:
        """[b] nats, log p(z) of numbers [b, h, w]."""
        return summed(self.codebook.chances().log().gather(0, index))

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        index = self.index(image)
        found = self.likelihood.log_likelihood(image, self.decoder(self.codebook.vectors(index)))
        return (found + self.log_prior(index)).expand(samples, -1)

    def monitor(self) -> Metric:
        return Metric("distortion")

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        z = self.encoder(batch.image).float()
        if self.training:
            self.codebook.revive(z, progress.generator)
        index = self.codebook.nearest(z)
        entries = self.codebook.vectors(index)
        if self.training:
            self.codebook.follow(z, index)
        code = z + (entries - z).detach()  # the entries, with the encoder's gradient
        distortion = self.likelihood.distortion(batch.image, self.decoder(code))
        commitment, rate = summed((z - entries).square()), -self.log_prior(index)
        used = perplexity(index, self.config.codes).expand(len(distortion))
        report = {"distortion": distortion, "commitment": commitment, "rate": rate, "perplexity": used}
        if self.likelihood.is_density:
            report["elbo"] = -distortion - rate
        loss = distortion + self.config.commitment * commitment
        return Losses({"model": loss.mean()}, report, {"z": code})

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        if seen >= UNUSED_FROM and terms.get("perplexity", 2.0) < 1.5:
            return ["nearly all cells have one code: raise revive or commitment, or lower the rate"]
        return []
