"""The deep generative deconvolutional network with a convolutional encoder (Pu et al. 2016, arXiv 1609.08976).

A code s ~ N(0, I) is drawn onto maps by dictionaries; between layers every value is put at one position z of its block,
drawn uniformly by the prior. The encoder pools by drawn positions, and what it kept there is where the decoder puts it:
one z serves both. Maximises E_q log p(x | s, z) - KL(q(s | z, x) || p(s)) - KL(q(z | x) || p(z)).

The encoder reads s off pooled maps, so s and the divergences of higher layers depend on the z drawn below them. All of
it is the reward of a draw, and so is a label head's loss; the source's eq. 22 leaves that out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Generator, Tensor

from latelier.core import (
    Batch,
    Code,
    Features,
    Finding,
    HasFilters,
    Latent,
    Losses,
    Metric,
    Move,
    Optimiser,
    Posterior,
    Progress,
    Refusal,
    Samples,
    Schedule,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models.rules import usual
from latelier.models.shared import Refills
from latelier.nets.ascent import Ascent, Choice, Upward, alike, hard, likeliest
from latelier.nets.deconv import Downward, layers_of
from latelier.nets.running import MeanImage
from latelier.nets.unpool import largest, one_hot
from latelier.objectives import categorical, gaussian, prior
from latelier.objectives.estimator import Relaxed, Score
from latelier.objectives.likelihood import GREY, Gaussian
from latelier.objectives.reduce import summed
from latelier.objectives.score_function import Standing, surrogate


@dataclass(frozen=True)
class Stochastic:
    """Positions are drawn; the decoder has the encoder's."""


@dataclass(frozen=True)
class Deterministic:
    """Max-pooling, and unpooling into the upper left corner of each block (the source's VAE-d)."""


@dataclass(frozen=True)
class Config:
    """Defaults: the source's but for the rate, 2e-4 there. Its table has nets for 28, 32, 128 and 256 pixels."""

    maps: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()
    hidden: int = 9  # units of the small nets, a map
    unpool: Stochastic | Deterministic = Stochastic()
    estimator: Score | Relaxed = Score()
    likelihood: Gaussian = Gaussian(sigma=0.3, floor=0.05)
    optimiser: Optimiser = Optimiser(rate=1e-3)

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise Refusal(f"dgdn: hidden is the number of units a map, at least 1, not {self.hidden}")


class Draws(Posterior):
    """q(z1 | x) q(z2 | z1, x) ... q(s | z, x): each draw is a way up the encoder, whose first filters all share."""

    rated = 16  # draws over which the divergence is averaged

    def __init__(self, model: "Model", image: Tensor):
        self.model, self.image = model, image
        self.bottom = model.encoder.bottom(image - model.centre.mean)

    def mode(self) -> Code:
        """Of every layer the most likely positions, given those below."""
        up = self.ascend(likeliest)
        return self.model.code(up, up.mean)

    def sample(self, generator: Generator) -> Code:
        up = self.ascend(hard(generator))
        return self.model.code(up, gaussian.sample(up.mean, up.log_variance, generator))

    def rate(self) -> Code:
        """Means over ways up, drawn by the same numbers for each image: by the likeliest positions they are others."""
        choose = alike(Generator(self.image.device).manual_seed(0), len(self.image))
        rates = [self.model.divergences(self.ascend(choose)) for _ in range(self.rated if self.model.drawn else 1)]
        return {name: torch.stack([rate[name] for rate in rates]).mean(0) for name in rates[0]}

    def ascend(self, choose: Choice) -> Ascent:
        return cast(Ascent, self.model.encoder(self.bottom, choose))


class Model(Base, Refills, Samples, Features, HasFilters, Weighs):
    """``Config`` says which nets, whether positions are drawn, and how they learn."""

    read = ("s",)
    higher = ("elbo",)
    schedule = Schedule(steps=1000)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        layers = layers_of(image, config.maps, config.kernels, config.pools)
        stochastic = isinstance(config.unpool, Stochastic)
        self.encoder, self.decoder = Upward(layers, config.hidden, stochastic), Downward(layers)
        self.likelihood, self.centre = config.likelihood.build(), MeanImage(image, GREY)
        self.players = {"model": [self.encoder, self.decoder, self.likelihood]}
        self.layers = [(layer.maps, layer.tiling) for layer in layers if layer.tiling is not None]
        self.drawn = {f"z{number}": tiling for number, (_, tiling) in enumerate(self.layers, 1) if stochastic}
        self.latents = {"s": Latent((layers[-1].maps * layers[-1].size[0] * layers[-1].size[1],))}
        for name, (maps, tiling) in zip(self.drawn, self.layers, strict=False):
            self.latents[name] = Latent((maps, tiling.rows, tiling.columns), "categorical")
        self.baseline = config.estimator.baseline(image, len(self.drawn))
        if self.baseline is not None:
            self.players["baseline"] = [self.baseline]

    def optimisers(self) -> dict[str, Optimiser]:
        baseline = self.config.estimator.optimisers() if self.baseline is not None else {}
        return {"model": self.config.optimiser, **baseline}

    def encode(self, image: Tensor) -> Draws:
        return Draws(self, image)

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.draw(code["s"], self.weights(code)))

    def draw(self, s: Tensor, weights: list[Tensor]) -> Tensor:
        """[b, c, h, w] from mid-grey, as the likelihood counts, of a code [b, k] and positions' weights [c, m, n]."""
        out: Tensor = self.decoder(s, weights)
        return out.float() + (self.centre.mean - GREY)

    def code(self, up: Ascent, s: Tensor) -> Code:
        """With the number of each block's position, row by row, [b, c, rows, columns]."""
        places = zip(self.drawn.items(), up.weight, strict=False)
        return {"s": s, **{name: tiling.unflat(largest(weight).float()) for (name, tiling), weight in places}}

    def weights(self, code: Code) -> list[Tensor]:
        """What the decoder is given of the code's positions, [c, m, n] a pooling; of positions that the code leaves
        out, their mean under the prior."""
        found = []
        for name, tiling in self.drawn.items():
            if name in code:
                found.append(one_hot(tiling.flat(code[name]).round().clamp(0, tiling.positions - 1), tiling.positions))
            else:
                found.append(self.even(name, len(code["s"])).exp())
        return found or self.corners(len(code["s"]))

    def even(self, name: str, b: int) -> Tensor:
        """log p of positions under the prior, [c, m, n]."""
        return self.drawn[name].even(self.latents[name].shape[0], b, self.centre.mean.device)

    def corners(self, b: int) -> list[Tensor]:
        """The same, every position its block's first."""
        device = self.centre.mean.device
        return [one_hot(torch.zeros(c, b * t.cells, device=device), t.positions) for c, t in self.layers]

    def sample_prior(self, n: int, generator: Generator) -> Code:
        code = prior.drawn({"s": self.latents["s"]}, n, generator, self.centre.mean.device)
        for name, tiling in self.drawn.items():
            code[name] = tiling.unflat(categorical.draw(self.even(name, n), generator).float())
        return code

    def divergences(self, up: Ascent) -> Code:
        """KL(q(s | z, x) || p(s)), and of each pooling KL(q(z | x) || uniform) [b, c, rows, columns], in nats."""
        found = {"s": gaussian.kl_to_standard(up.mean, up.log_variance)}
        for (name, tiling), log_q in zip(self.drawn.items(), up.log_q, strict=False):
            by_image = log_q.unflatten(2, (-1, tiling.cells))
            kl = categorical.kl_to_uniform(by_image, tiling.inside(log_q.device).sum(0))
            found[name] = tiling.unflat(kl.flatten(1))
        return found

    def log_q(self, up: Ascent) -> list[Tensor]:
        """log q of the positions taken, [b] a pooling."""
        taken = zip(self.drawn.values(), up.log_q, up.weight, strict=False)
        return [summed(tiling.unflat((log_q * weight).sum(1))) for tiling, log_q, weight in taken]

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        q, rows = self.encode(image), []
        even = sum(self.even(name, 1).amax(1).sum() for name in self.drawn)  # log p(z), whatever z
        for _ in range(samples):
            up = q.ascend(hard(generator))
            s = gaussian.sample(up.mean, up.log_variance, generator)
            likelihood = self.likelihood.log_likelihood(image, self.draw(s, self.placed(up, len(image))))
            log_q = gaussian.log_density(s, up.mean, up.log_variance) + sum(self.log_q(up))
            rows.append(likelihood + gaussian.log_standard(s) + even - log_q)
        return torch.stack(rows)

    def placed(self, up: Ascent, b: int) -> list[Tensor]:
        """What the decoder is given of an ascent's positions."""
        return up.weight if self.drawn else self.corners(b)

    def depths(self) -> tuple[str, ...]:
        return (*(f"pool{number}" for number in range(1, len(self.layers) + 1)), "top")

    def features(self, image: Tensor, depth: str) -> Tensor:
        if depth not in self.depths():
            raise Refusal(f"no depth '{depth}' in this encoder (known: {', '.join(self.depths())})")
        return self.encode(image).ascend(likeliest).maps[self.depths().index(depth)].flatten(1)

    def filters(self) -> Tensor:
        return self.decoder.filters()

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        even = self.drawn and terms.get("KL positions", 1.0) < 1e-3 * sum(t.cells for t in self.drawn.values())
        return ["positions are drawn evenly: pooling has learned nothing; take unpool=deterministic"] if even else []

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """Of its units, maps beside numbers, many may say nothing: that is no fault, and no setting mends it."""
        return usual({name: value for name, value in facts.items() if name != "units"})

    def monitor(self) -> Metric:
        return Metric("elbo", higher=True, words="a bound on the log-likelihood")

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        if self.training:
            self.centre.follow(batch.image)
        up = self.encode(batch.image).ascend(self.config.estimator.choice(progress, self.training))
        s = gaussian.sample(up.mean, up.log_variance, progress.generator)
        output = self.draw(s, self.placed(up, len(s)))
        distortion = self.likelihood.distortion(batch.image, output)
        rate, *rates = (summed(kl) for kl in self.divergences(up).values())
        bound = distortion + rate + sum(rates)
        title = self.config.estimator.bound if self.training and self.drawn else "elbo"
        report = {"distortion": distortion, "KL code": rate, title: -bound}
        report |= {"KL positions": torch.stack(rates).sum(0)} if rates else {}
        code = {"s": s}  # all that heads read
        if self.baseline is None:
            return Losses({"model": bound.mean()}, report, code)
        # Downstream of a draw: all but the divergences of its own layer and of those below it.
        costs = bound[:, None] - torch.stack(rates, 1).cumsum(1)
        before = self.baseline.standardise.standing()
        join = partial(
            self.rewarded, bound, costs.detach(), torch.stack(self.log_q(up), 1), self.baseline(batch.image), before
        )
        return Losses(join(torch.zeros_like(bound)), report, code, join)

    def rewarded(
        self, bound: Tensor, costs: Tensor, log_q: Tensor, guess: Tensor, before: Standing, further: Tensor
    ) -> dict[str, Tensor]:
        """What both players minimise, given a further loss [b] of the code, which draws are rewarded for as well."""
        assert self.baseline is not None
        signal, rest = self.baseline.standardise(costs + further.detach()[:, None], guess, before)
        model = bound + further + surrogate(signal, log_q)
        return {"model": model.mean(), "baseline": summed(rest.square()).mean()}
