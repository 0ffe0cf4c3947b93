"""The deep generative deconvolutional network with a convolutional encoder (Pu et al. 2016, arXiv 1609.08976).

A code s ~ N(0, I) is drawn onto maps by dictionaries; between layers every value is put at one position z of its block,
drawn uniformly by the prior. Maximises E_q log p(x | s, z) - KL(q(s | x) || p(s)) - KL(q(z | x) || p(z)).

The encoder's pooling keeps the largest value of a block, as eq. 13, 19 and 34 write q(s | X) without z, or, as section
2.2 has it, that at the z which the decoder is given. Then s and the divergences of higher layers depend on the z drawn
below them: all of it is the reward of a draw, and so is a label head's loss, which eq. 22 leaves out."""

import math
from collections.abc import Mapping
from functools import partial

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
    Progress,
    Refusal,
    Samples,
    Schedule,
    Unpools,
    Weighs,
)
from latelier.core import Model as Base
from latelier.models.dgdn_posterior import Draws
from latelier.models.dgdn_settings import Config, Deterministic
from latelier.models.shared import Refills
from latelier.nets.ascent import Ascent, Upward, Way, hard, likeliest
from latelier.nets.deconv import Downward, layers_of
from latelier.nets.running import RunningMean
from latelier.nets.unpool import largest, one_hot
from latelier.objectives import categorical, gaussian, prior
from latelier.objectives.estimator import Exact
from latelier.objectives.expectation import beyond_the_mean
from latelier.objectives.likelihood import GREY
from latelier.objectives.reduction import summed
from latelier.objectives.score_function import Standing, surrogate
from latelier.rules.shared import usual

AVERAGED = 50  # draws, where the most likely code is not typical; the source's number at test
STEADY = 100  # batches that the mean image is over, once this many were seen


class Model(Base, Refills, Samples, Features, HasFilters, Unpools, Weighs):
    """``Config`` says which nets, whether positions are drawn, and how they learn."""

    read = ("s",)
    higher = ("elbo",)
    schedule = Schedule(steps=1000)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        layers = layers_of(image, config.maps, config.kernels, config.pools)
        stochastic = not isinstance(config.unpool, Deterministic)
        drawn = stochastic and config.pooling == "drawn"
        relu, norm = config.nonlinearity == "relu", config.norm == "group"
        way = Way(stochastic, drawn, relu, norm, config.top == "cells")
        self.encoder, self.decoder = Upward(layers, config.hidden, way), Downward(layers)
        self.likelihood, self.centre = config.likelihood.build(), RunningMean(torch.full(image, GREY), STEADY)
        self.players = {"model": [self.encoder, self.decoder, self.likelihood]}
        tilings = [(layer.maps, layer.tiling) for layer in layers if layer.tiling is not None and stochastic]
        self.drawn = {f"z{number}": tiling for number, (_, tiling) in enumerate(tilings, 1)}
        top = layers[-1].maps, *layers[-1].size
        self.latents = {"s": Latent(top if config.top == "cells" else (math.prod(top),))}
        for name, (maps, tiling) in zip(self.drawn, tilings, strict=True):
            self.latents[name] = Latent((maps, tiling.rows, tiling.columns), "categorical")
        self.depth = len(layers) - 1
        self.averaged = AVERAGED if drawn and self.drawn else 0
        self.exact = isinstance(config.estimator, Exact) and bool(self.drawn)
        self.baseline = config.estimator.baseline(image, len(self.drawn))
        if self.baseline is not None:
            self.players["baseline"] = [self.baseline]

    def optimisers(self) -> dict[str, Optimiser]:
        baseline = self.config.estimator.optimisers() if self.baseline is not None else {}
        return {"model": self.config.optimiser, **baseline}

    def encode(self, image: Tensor) -> Draws:
        return Draws(self, image)

    def decode(self, code: Code) -> Tensor:
        return self.likelihood.mean(self.draw(code["s"].flatten(1), self.weights(code)))

    def draw(self, s: Tensor, weights: list[Tensor] | None) -> Tensor:
        """[b, c, h, w] from mid-grey, as the likelihood counts, of a code [b, k] and positions' weights [c, m, n]."""
        out: Tensor = self.decoder(s, weights)
        return out.float() + (self.centre.mean - GREY)

    def shaped(self, s: Tensor) -> Tensor:
        """A code [b, k] as the latent has it: a map with ``top=cells``."""
        return s.reshape(len(s), *self.latents["s"].shape)

    def code(self, up: Ascent, s: Tensor) -> Code:
        """With the number of each block's position, row by row, [b, c, rows, columns]."""
        places = zip(self.drawn.items(), up.weight, strict=False)
        taken = {name: tiling.unflat(largest(weight).float()) for (name, tiling), weight in places}
        return {"s": self.shaped(s), **taken}

    def weights(self, code: Code) -> list[Tensor] | None:
        """What the decoder is given of the code's positions, [c, m, n] a pooling; of positions that the code leaves
        out, their mean under the prior. None where nothing is drawn."""
        found = []
        for name, tiling in self.drawn.items():
            if name in code:
                found.append(one_hot(tiling.flat(code[name]).round().clamp(0, tiling.positions - 1), tiling.positions))
            else:
                found.append(self.even(name, len(code["s"])).exp())
        return found or None

    def even(self, name: str, b: int) -> Tensor:
        """log p of positions under the prior, [c, m, n]."""
        return self.drawn[name].even(self.latents[name].shape[0], b, self.centre.mean.device)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        code = prior.drawn({"s": self.latents["s"]}, n, generator, self.centre.mean.device)
        for name, tiling in self.drawn.items():
            code[name] = tiling.unflat(categorical.draw(self.even(name, n), generator).float())
        return code

    def divergences(self, up: Ascent) -> Code:
        """KL(q(s | z, x) || p(s)), and of each pooling KL(q(z | x) || even) [b, c, rows, columns], in nats."""
        found = {"s": self.shaped(gaussian.kl_to_standard(up.mean, up.log_variance))}
        for (name, tiling), log_q in zip(self.drawn.items(), up.log_q, strict=False):
            by_image = log_q.unflatten(2, (-1, tiling.cells))
            kl = categorical.divergence(by_image, self.even(name, 1)[:, :, None])
            found[name] = tiling.unflat(kl.flatten(1))
        return found

    def log_q(self, up: Ascent) -> list[Tensor]:
        """log q of the positions taken, [b] a pooling."""
        taken = zip(self.drawn.values(), up.log_q, up.weight, strict=True)
        return [summed(tiling.unflat((log_q * weight).sum(1))) for tiling, log_q, weight in taken]

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        q, rows = self.encode(image), []
        even = sum(self.even(name, 1).amax(1).sum() for name in self.drawn)  # log p(z), whatever z
        for _ in range(samples):
            up = q.ascend(hard(generator))
            s = gaussian.sample(up.mean, up.log_variance, generator)
            likelihood = self.likelihood.log_likelihood(image, self.draw(s, up.weight or None))
            log_q = gaussian.log_density(s, up.mean, up.log_variance) + sum(self.log_q(up))
            rows.append(likelihood + gaussian.log_standard(s) + even - log_q)
        return torch.stack(rows)

    def depths(self) -> tuple[str, ...]:
        return (*(f"pool{number}" for number in range(1, self.depth + 1)), "top")

    def features(self, image: Tensor, depth: str) -> Tensor:
        if depth not in self.depths():
            raise Refusal(f"no depth '{depth}' in this encoder (known: {', '.join(self.depths())})")
        return self.encode(image).ascend(likeliest).maps[self.depths().index(depth)].flatten(1)

    def filters(self) -> Tensor:
        return self.decoder.filters()

    def unpooled(self, image: Tensor) -> Tensor:
        code = self.encode(image).mode()
        s, weights, top = code["s"].flatten(1), self.weights(code), self.decoder.layers[-1]
        if not self.depth:
            return s.reshape(len(s), top.maps, *top.size)
        return self.decoder.spread(self.decoder.values(s, weights), weights[0] if weights else None, 0)

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        even = self.drawn and terms.get("KL positions", 1.0) < 1e-3 * sum(t.cells for t in self.drawn.values())
        said = (
            "positions are drawn evenly so far, which spreads each value over its block: they pay once sigma is small"
        )
        return [f"{said}; train longer, or with a higher --rate"] if even else []

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
        estimator = self.config.estimator
        up = self.encode(batch.image).ascend(estimator.choice(progress, self.training))
        s = gaussian.sample(up.mean, up.log_variance, progress.generator)
        distortion = self.distortion(batch.image, s, up.weight or None)
        rate, *rates = (summed(kl) for kl in self.divergences(up).values())
        bound = distortion + rate + sum(rates)
        title = estimator.bound(len(self.drawn)) if self.training else "elbo"
        report = {"distortion": distortion, "KL code": rate, title: -bound}
        report |= {"KL positions": torch.stack(rates).sum(0)} if rates else {}
        code = {"s": self.shaped(s)}  # all that heads read
        if self.baseline is None:
            return Losses({"model": bound.mean()}, report, code)
        log_q = torch.stack(self.log_q(up)[self.exact :], 1)
        # Downstream of a draw: all but the divergences of its own layer and of those below it. Where pooling keeps the
        # largest, what is read off the maps is not.
        costs = (
            bound[:, None] - torch.stack(rates, 1).cumsum(1) if self.averaged else distortion[:, None].expand_as(log_q)
        )
        before = self.baseline.standardise.standing()
        join = partial(self.rewarded, bound, costs.detach(), log_q, self.baseline(batch.image), before)
        return Losses(join(torch.zeros_like(bound)), report, code, join if self.averaged else None)

    def distortion(self, image: Tensor, s: Tensor, weights: list[Tensor] | None) -> Tensor:
        """[b] -log p(image | s, z), or where the estimator is exact its mean over positions of the lowest pooling, of
        which ``weights`` has the probabilities: the squared error of the mean image, and what lies beyond it."""
        if not self.exact or weights is None:
            return self.likelihood.distortion(image, self.draw(s, weights))
        values = self.decoder.values(s, weights)
        output = self.decoder.placed(values, weights, 0).float() + (self.centre.mean - GREY)
        tiling, dictionary = self.drawn["z1"], self.decoder.filters()
        with torch.autocast(image.device.type, enabled=False):
            share = beyond_the_mean(dictionary.float(), weights[0].float(), tiling)
            beyond = summed(tiling.unflat(share) * values.float().square())
        return self.likelihood.expected(image, output, beyond)

    def rewarded(
        self, bound: Tensor, costs: Tensor, log_q: Tensor, guess: Tensor, before: Standing, further: Tensor
    ) -> dict[str, Tensor]:
        """What both players minimise, given a further loss [b] of the code, which draws are rewarded for as well."""
        assert self.baseline is not None
        signal, rest = self.baseline.standardise(costs + further.detach()[:, None], guess, before)
        model = bound + further + surrogate(signal, log_q)
        return {"model": model.mean(), "baseline": summed(rest.square()).mean()}
