"""InfoGAN: a GAN some of whose codes can be read off its images (Chen et al. 2016, arXiv 1606.03657).

The generator draws from codes c and noise z, both uniform. A recognition net on the critic's trunk reads c off drawn
images, Q(c | x) = N(mean(x), 1) as in the authors' code, and E log Q(c | x) + H(c) <= I(c; x) is raised by both
players (eq. 5; subtracted from both losses in that code). A categorical code may stand beside c, Q's of which is a
softmax (section 7.2: it came to name digits). ``encode`` answers what Q reads, beside z = 0, of which
nothing is read: a reconstruction keeps what c holds and nothing else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.core import (
    Batch,
    Clusters,
    Code,
    Decodes,
    Encodes,
    Finding,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Progress,
    Refusal,
    Samples,
    Schedule,
)
from latelier.core import Model as Base
from latelier.models.adversarial import blurred
from latelier.models.autoencoder import Point
from latelier.models.collapse import alike, overwhelmed, sample_distance, variety
from latelier.nets.encoder import Grid
from latelier.nets.pixel_range import Centred, Uncentred
from latelier.objectives import gaussian
from latelier.objectives.game import fooled, judged, right
from latelier.objectives.prior import drawn
from latelier.rules.labels import classified, known, unlabelled
from latelier.rules.samples import sampled
from latelier.rules.shared import hopeless

SLOPE = 0.1
UNITS = 256  # of each dense layer, and numbers of the map that the generator begins with
READER = 128  # units of the recognition net
CATEGORY = "category"  # the categorical code's name
VARIED = "raise noise, or lower optimiser.rate"  # for few modes


@dataclass(frozen=True)
class Config:
    """Defaults: the lecture's row for 2-D shapes, with a last layer onto the image's channels, which it lacks, and
    noise, which it has none of."""

    codes: int = 5  # c, which can be read off images
    categories: int = 0  # values of one categorical code beside c, as 10 for digits; 0 for none
    noise_codes: int = 5  # z, which cannot
    weight: float = 1.0  # of the information's bound
    noise: float = 0.3  # sd on images that the critic sees; pixels in [-1, 1]; without it one game in four collapsed
    optimiser: Optimiser = Optimiser(rate=1e-3, betas=(0.5, 0.999))  # the generator's
    critic_optimiser: Optimiser = Optimiser(rate=2e-4, betas=(0.5, 0.999))  # critic's and recognition net's

    def __post_init__(self) -> None:
        if self.codes < 1 or self.noise_codes < 0 or self.weight < 0 or self.noise < 0:
            raise Refusal(
                f"infogan: codes {self.codes} must be at least 1; noise_codes {self.noise_codes}, weight "
                f"{self.weight:g} and noise {self.noise:g} at least 0"
            )
        if self.categories == 1:
            raise Refusal(f"infogan: categories {self.categories} must be 0 for none, or 2 or more")


class Model(Samples, Encodes, Decodes, Clusters, Base):
    """``Config`` says how many codes of each kind."""

    coder = "critic"
    higher = ("information", "drawn apart")
    schedule = Schedule(steps=1000, decay="none")  # a falling rate froze short games on digits

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        c, h, w = image
        if h % 4 or w % 4:
            raise Refusal(f"infogan: sides must be multiples of 4, not {h}x{w}; give --size")
        self.config, self.image = config, image
        kinds = {"c": config.codes, "z": config.noise_codes}
        self.latents = {name: Latent((count,), "uniform") for name, count in kinds.items() if count}
        if config.categories:
            self.latents[CATEGORY] = Latent((config.categories,), "categorical")
        grid = (max(1, UNITS // (h * w // 16)), h // 4, w // 4)  # 16x16x1 for 64 pixels, 4x4x16 for 16
        self.generator = nn.Sequential(
            nn.Linear(config.codes + config.noise_codes + config.categories, UNITS),
            *(nn.BatchNorm1d(UNITS), nn.ReLU(), nn.Linear(UNITS, math.prod(grid)), Grid(grid)),
            *(nn.BatchNorm2d(grid[0]), nn.ReLU(), nn.ConvTranspose2d(grid[0], 128, 4, 2, 1)),
            *(nn.BatchNorm2d(128), nn.ReLU(), nn.ConvTranspose2d(128, 64, 4, 2, 1)),
            *(nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, c, 3, 1, 1), nn.Tanh(), Uncentred()),
        )
        self.trunk = nn.Sequential(
            *(Centred(), nn.Conv2d(c, 64, 4, 2, 1), nn.LeakyReLU(SLOPE)),
            *(nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(SLOPE), nn.Flatten()),
            *(nn.Linear(128 * h * w // 16, UNITS), nn.BatchNorm1d(UNITS), nn.LeakyReLU(SLOPE)),
        )
        self.verdict = nn.Linear(UNITS, 1)
        read = config.codes + config.categories
        self.reader = nn.Sequential(nn.Linear(UNITS, READER), nn.LeakyReLU(SLOPE), nn.Linear(READER, read))
        self.players = {"generator": [self.generator], "critic": [self.trunk, self.verdict, self.reader]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"generator": self.config.optimiser, "critic": self.config.critic_optimiser}

    def encode(self, image: Tensor) -> Point:
        mean, logits = self.recognised(self.trunk(image))
        code = {name: image.new_zeros(len(image), *latent.shape) for name, latent in self.latents.items()}
        code["c"] = mean
        if self.config.categories:
            code[CATEGORY] = functional.one_hot(logits.argmax(1), self.config.categories).float()
        return Point(code)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        device = next(self.parameters()).device
        code = drawn({name: of for name, of in self.latents.items() if name != CATEGORY}, n, generator, device)
        if self.config.categories:
            value = torch.randint(self.config.categories, (n,), generator=generator, device=generator.device)
            code[CATEGORY] = functional.one_hot(value, self.config.categories).float().to(device)
        return code

    def clusters(self, image: Tensor) -> Tensor:
        return self.recognised(self.trunk(image))[1].softmax(1)

    def recognised(self, trunk: Tensor) -> tuple[Tensor, Tensor]:
        """Q's mean of c, [b, codes], and its logits of the category, [b, categories]."""
        both = self.reader(trunk).float()
        return both[:, : self.config.codes], both[:, self.config.codes :]

    def decode(self, code: Code) -> Tensor:
        out: Tensor = self.generator(torch.cat([code[name] for name in self.latents], 1))
        return out

    def monitor(self) -> Metric:
        return Metric("sample distance", words="energy distance of drawn images from real ones")

    def moves(self) -> tuple[Move, ...]:
        return (self.discriminate, self.draw)

    def discriminate(self, batch: Batch, progress: Progress) -> Losses:
        """The critic's move, and the recognition net's."""
        g, noise = progress.generator, self.config.noise
        code = self.sample_prior(len(batch.image), g)
        with torch.no_grad():
            decoded = self.decode(code)
        data = self.logit(self.trunk(blurred(batch.image, noise, g)))
        trunk = self.trunk(blurred(decoded, noise, g))
        made, known = self.logit(trunk), self.known(trunk, code)
        loss = judged(data, made)
        report = {"critic": loss, "critic accuracy": right(data, made), "information": known}
        report |= variety(batch.image, decoded)
        if not self.training:
            report |= sample_distance(batch.image, decoded)
        return Losses({"critic": (loss - self.config.weight * known).mean()}, report)

    def draw(self, batch: Batch, progress: Progress) -> Losses:
        """The generator's move."""
        code = self.sample_prior(len(batch.image), progress.generator)
        trunk = self.trunk(blurred(self.decode(code), self.config.noise, progress.generator))
        loss = fooled(self.logit(trunk))
        minimise = (loss - self.config.weight * self.known(trunk, code)).mean()
        return Losses({"generator": minimise}, {"generator": loss})

    def logit(self, trunk: Tensor) -> Tensor:
        """[b] of the critic's belief."""
        out: Tensor = self.verdict(trunk)
        return out.float().flatten()

    def known(self, trunk: Tensor, code: Code) -> Tensor:
        """[b] nats, log Q(c | x) + H(c), whose mean is at most I(c; x) and at most H(c)."""
        mean, logits = self.recognised(trunk)
        known = gaussian.log_density(code["c"], mean, mean.new_zeros(())) + self.config.codes * math.log(2)
        if not self.config.categories:
            return known
        category: Tensor = (code[CATEGORY] * logits.log_softmax(1)).sum(1)
        return known + category + math.log(self.config.categories)

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return [
            *overwhelmed(terms, "lower critic_optimiser.rate, or raise noise"),
            *alike(terms, seen, VARIED),
        ]

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """Its codes hold what can be read off drawn images; the rest of an image they do not keep."""
        own = hopeless(facts)
        return own or [*classified(facts), *sampled(facts, VARIED), *unlabelled(facts), *known(facts)]
