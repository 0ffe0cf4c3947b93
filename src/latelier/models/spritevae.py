"""SpriteVAE: a code of parts whose kind is in where they occur, because they have nothing else to say it with. Ours.

PatchVAE's idea, occurrence times appearance (Gupta et al. 2020), with three changes. Parts compete: at a cell at most
one occurs. A part is a mask that all images share, a sprite; appearance is its colour alone, and a place says how it
lies. So a part is a shape: nothing but another part can draw another one. What no sprite covers a ground of few numbers
draws. The source's parts split drawn scenes by colour (docs/parts.md)."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import (
    Batch,
    Code,
    HasParts,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Parts,
    Posterior,
    Progress,
    Refusal,
    Samples,
    Schedule,
)
from latelier.core import Model as Base
from latelier.models.shared import EncoderFilters, EncoderStages, Refills
from latelier.nets.conv import Conv
from latelier.nets.sprite import PLACE, Heads, Sprites, encoder, grid_of
from latelier.objectives import categorical, gaussian
from latelier.objectives.likelihood import Squared
from latelier.objectives.prior import drawn
from latelier.objectives.reduction import summed

FINE = 2  # cells of a map of parts to a cell of the code, either way
COOL = 0.7  # share of a run after which draws are no longer made sharper
RELAXED = 1.0, 0.3  # first and last temperature of what a draw's gradient is relaxed to
HEAT = 40.0, 1.0  # first and last heat: parts that are all alike at first come apart as it falls
UNIT = 4  # squared units of pixels in [-1, 1], as ``Squared`` counts them, to one of theirs in [0, 1]
TINY = 1e-9  # chance that anything occurs at a cell, or nothing, at least
RARE = 0.05  # parts in an image, fewer than which are none
EPSILON = 1e-7  # keeps the mean over cells of a part that occurs nowhere


@dataclass(frozen=True)
class Config:
    """Defaults: chosen on drawn scenes at 64 pixels (docs/parts.md)."""

    parts: int = 16  # N
    cells: int = 4  # to the shorter side; at each of them at most one part occurs
    ground: int = 12  # numbers that draw what no part covers
    chance: float = 0.15  # that a part occurs at a cell
    beta_occurrence: float = 2.0  # weight of the occurrences' KL
    warmup: float = 0.2  # share of a run over which it rises from 0, against parts that never occur
    beta_appearance: float = 1.0  # of those of place and colour, and of the ground's
    channels: int = 32  # maps of the first convolution, twice as many after it
    optimiser: Optimiser = Optimiser(rate=1e-3, betas=(0.9, 0.99))

    def __post_init__(self) -> None:
        if min(self.parts, self.cells, self.ground, self.channels) < 1:
            raise Refusal("spritevae: parts, cells, ground and channels must be 1 or more")
        if not TINY <= self.chance <= 1 - TINY:
            raise Refusal(f"spritevae: chance is a probability between {TINY:g} and 1 - {TINY:g}, not {self.chance:g}")
        if self.warmup > 1:
            raise Refusal(f"spritevae: warmup is a share of a run, at most 1, not {self.warmup:g}")


class SpritePosterior(Posterior):
    """q(occurrence | x): at each cell one of N parts or nothing, log p [b, N + 1, h, w]; Gaussians of the other latents
    by name, mean and log-variance. ``temperature`` gives a draw the gradient of a relaxed one; None none."""

    def __init__(
        self,
        log_p: Tensor,
        gaussians: dict[str, tuple[Tensor, Tensor]],
        log_prior: Tensor,
        temperature: float | None = None,
    ):
        self.log_p, self.gaussians, self.log_prior, self.temperature = log_p, gaussians, log_prior, temperature

    def mode(self) -> Code:
        occurs = self.log_p[:, -1:].exp() <= 0.5  # likelier than nothing, whichever part it is
        return {
            "occurrence": occurs * one_hot(self.log_p[:, :-1]),
            **{name: mean for name, (mean, _) in self.gaussians.items()},
        }

    def sample(self, generator: Generator) -> Code:
        return self._drawn(generator, same=False)

    def alike(self, generator: Generator) -> Code:
        return self._drawn(generator, same=True)

    def _drawn(self, generator: Generator, same: bool) -> Code:
        soft = categorical.relaxed(self.log_p, self.temperature or RELAXED[1], generator, same=same)
        occurrence = one_hot(soft)[:, :-1]
        if self.temperature is not None:
            occurrence = occurrence + soft[:, :-1] - soft[:, :-1].detach()
        return {"occurrence": occurrence} | {
            name: gaussian.sample(*of, generator, same=same) for name, of in self.gaussians.items()
        }

    def rate(self) -> Code:
        """Elementwise, nothing's term shared out evenly among the parts; of place and appearance only as far as
        something occurs at the cell."""
        p = self.log_p.exp()
        terms = p * (self.log_p - self.log_prior)
        rates = {name: gaussian.kl_to_standard(*of) for name, of in self.gaussians.items()}
        occurs = 1 - p[:, -1:].detach()
        found = {name: rate * occurs if rate.ndim == 4 else rate for name, rate in rates.items()}
        return {"occurrence": terms[:, :-1] + terms[:, -1:] / (terms.shape[1] - 1), **found}


def one_hot(weight: Tensor) -> Tensor:
    """[b, n, h, w] in {0, 1}, 1 at the greatest of the weights [b, n, h, w] along axis 1."""
    return torch.zeros_like(weight).scatter_(1, weight.argmax(1, keepdim=True), 1)


class Model(Base, Refills, Samples, HasParts, EncoderStages, EncoderFilters):
    """``Config`` says how many parts, on how fine a grid."""

    schedule = Schedule(steps=1500, batch=32)
    higher = ("parts in use",)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        if config.cells > min(image[1:]) // 2:
            said = f"{config.cells} cells to {min(image[1:])} pixels were asked for; a cell has 2 pixels or more"
            raise Refusal(f"spritevae: {said}; give fewer cells, or --size")
        self.grid = grid_of(image, config.cells)
        self.latents = {
            "occurrence": Latent((config.parts, *self.grid), "bernoulli"),
            "place": Latent((PLACE, *self.grid)),
            "appearance": Latent((image[0], *self.grid)),
            "ground": Latent((config.ground,)),
        }
        heads = Heads(2 * config.channels, self.grid, image[0], config.ground)
        self.encoder = encoder(image, config.channels, heads)
        self.decoder = Sprites(image, self.grid, config.parts, Conv().decoder(config.ground, image))
        self.likelihood = Squared().build()
        self.players = {"model": [self.encoder, self.decoder]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": self.config.optimiser}

    def log_prior(self) -> Tensor:
        """[N + 1, 1, 1] of each part and of nothing at a cell."""
        c = self.config
        return torch.tensor([c.chance / c.parts] * c.parts + [1 - c.chance]).log()[:, None, None]

    def encode(self, image: Tensor) -> SpritePosterior:
        return self.posterior(image)[0]

    def posterior(
        self, image: Tensor, temperature: float | None = None, heat: float = 1.0
    ) -> tuple[SpritePosterior, Tensor]:
        """q(z | x), whose draws are relaxed at that temperature on the way back; and the mean error of the parts that
        may occur, [b], which trains their masks. The encoder says whether anything occurs, where and how; which part
        it is has a closed form, exp(-error / heat) over all of them."""
        found = self.encoder(image)
        occurs = found.pop("occurrence")
        halves = {name: both.chunk(2, 1) for name, both in found.items()}
        gaussians = {
            name: (halves[name][0], halves[name][1].clamp(-8, 3) - 2) for name in self.latents if name in halves
        }
        error = UNIT * self.decoder.errors(image, {name: mean for name, (mean, _) in gaussians.items()})
        which = (-error.detach() / heat).log_softmax(1)
        log_p = torch.cat([functional.logsigmoid(occurs) + which, functional.logsigmoid(-occurs)], 1)
        fit = (occurs.detach().sigmoid() * (which.exp() * error).sum(1, keepdim=True)).sum((1, 2, 3))
        return SpritePosterior(log_p, gaussians, self.log_prior().to(log_p.device), temperature), fit

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.decoder(code))

    def sample_prior(self, n: int, generator: Generator) -> Code:
        device = next(self.parameters()).device
        flat = self.log_prior().expand(n, -1, *self.grid)
        occurrence = one_hot(categorical.relaxed(flat, RELAXED[1], generator))[:, :-1].to(device)
        others = {name: latent for name, latent in self.latents.items() if name != "occurrence"}
        return {"occurrence": occurrence, **drawn(others, n, generator, device)}

    def parts(self, image: Tensor) -> Parts:
        """Occurrence is how much of a finer cell each part covers, in the mean over what may occur."""
        q = self.encode(image)
        p, code = q.log_p.exp()[:, :-1], q.mode()
        fine = (FINE * self.grid[0], FINE * self.grid[1])
        cover = functional.adaptive_avg_pool2d(self.decoder.cover(p, code["place"]), fine)
        share = (p / (p.sum(1, keepdim=True) + EPSILON)).flatten(2)  # [b, N, cells]
        return Parts(torch.einsum("bnk,bkhw->bnhw", share, cover).clamp(0, 1), colours(code["appearance"], p))

    def repainted(self, code: Code, source: Code, part: int, by: int) -> Code:
        colour = colours(source["appearance"], source["occurrence"])[:, by, :, None, None]
        here = code["occurrence"][:, part, None]
        return {**code, "appearance": torch.lerp(code["appearance"], colour.expand_as(code["appearance"]), here)}

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        if terms.get("occurrences", 1.0) >= RARE:
            return []
        return ["hardly any part occurs, so images are the ground alone: raise warmup, or lower beta_occurrence"]

    def monitor(self) -> Metric:
        return Metric("objective", words="distortion + weighted KL")

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        c = self.config
        rest = terms["KL place"] + terms["KL appearance"] + terms["KL ground"]
        return {
            "objective": terms["distortion"] + c.beta_occurrence * terms["KL occurrence"] + c.beta_appearance * rest
        }

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        c = self.config
        cooled = min(1.0, progress.seen / (COOL * progress.total))
        q, fit = self.posterior(batch.image, *(hot * (cold / hot) ** cooled for hot, cold in (RELAXED, HEAT)))
        code = q.sample(progress.generator)
        distortion = self.likelihood.distortion(batch.image, self.decoder(code))
        rates = {name: summed(rate) for name, rate in q.rate().items()}
        rest = sum((rate for name, rate in rates.items() if name != "occurrence"), torch.zeros_like(distortion))
        beta = c.beta_occurrence * (min(1.0, progress.seen / (c.warmup * progress.total)) if c.warmup else 1.0)
        loss = (distortion + beta * rates["occurrence"] + c.beta_appearance * rest + fit).mean()
        p = q.log_p.exp()[:, :-1]
        report = {"distortion": distortion, "fit of masks": fit.detach()} | {
            f"KL {name}": rate for name, rate in rates.items()
        }
        report |= {"occurrences": p.detach().sum((1, 2, 3))}
        report |= {"parts in use": (p.detach().amax((2, 3)) > 0.5).sum(1).float()}
        return Losses(minimise={"model": loss}, report=report, code=code)


def colours(appearance: Tensor, occurrence: Tensor) -> Tensor:
    """[b, N, c]: the mean colour of each part over the cells where it occurs, 0 where it does nowhere."""
    weight, colour = occurrence.flatten(2), appearance.flatten(2)  # [b, N, cells], [b, c, cells]
    return torch.einsum("bnk,bck->bnc", weight, colour) / (weight.sum(2, keepdim=True) + EPSILON)
