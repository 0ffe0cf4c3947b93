"""The deconvolutional network without an encoder: Gibbs sampling or Monte Carlo EM, the yardsticks of ``dgdn``.

The same generative model (Pu et al. 2016, arXiv 1609.08976, table 1, rows Gibbs and MCEM): given the rest, codes s and
each layer's dictionary are linear Gaussian, the noise's precision is Gamma, and each position is one of a few. Gibbs
draws all in turn. Monte Carlo EM finds the most likely codes, summed over each block's positions given draws of the
others, and the most likely dictionaries given these draws. Codes of new images are found in the same way, with
dictionaries fixed: hundreds of sweeps an image where an encoder takes one pass. For small sets and nets of two
layers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import Code, Decodes, Encodes, Fits, HasFilters, Latent, Move, Posterior, Refusal, Samples
from latelier.core import Model as Base
from latelier.nets.deconv import Downward, layers_of
from latelier.nets.unpool import largest, one_hot, unpool
from latelier.objectives import categorical, prior
from latelier.objectives.conjugate import linear_gaussian, precision, redraw_positions
from latelier.objectives.expectation import beyond_the_mean
from latelier.objectives.likelihood import GREY


@dataclass(frozen=True)
class Gibbs:
    """Draws of everything; a new image's code is the mean of the last sweeps. Defaults for new images: the
    source's."""

    sweeps: int = 200  # of training (the source: 1,000)
    burn: int = 300  # of a new image, not counted
    kept: int = 100  # of a new image, averaged


@dataclass(frozen=True)
class Mcem:
    """Draws of positions; dictionaries at their modes given these, and codes at theirs, summed over positions."""

    sweeps: int = 100
    burn: int = 40
    kept: int = 20


@dataclass(frozen=True)
class Config:
    """Defaults: the nets of ``dgdn``, where these have two layers; dictionaries are N(0, their first weights'
    variance), alpha_0 is Gamma(1, 1e-3)."""

    maps: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()
    inference: Gibbs | Mcem = Gibbs()
    floor: float = 0.05  # sd of the noise, in units of the [0, 1] range, that alpha_0 does not pass

    def __post_init__(self) -> None:
        if self.floor <= 0:
            raise Refusal(f"dgdn_sampled: floor is a standard deviation above 0, not {self.floor:g}")
        i = self.inference
        if min(i.sweeps, i.kept) < 1 or i.burn < 0:
            raise Refusal(
                f"dgdn_sampled: inference.sweeps {i.sweeps} and kept {i.kept} must be 1 or more, burn {i.burn} not "
                "negative"
            )


class Chain(Posterior):
    """Sweeps over the codes of images, the same noise for each image: its code does not hang on its batch mates."""

    def __init__(self, model: "Model", image: Tensor):
        self.model, self.image = model, image

    def mode(self) -> Code:
        """Mean code of the sweeps kept, and the positions taken most often."""
        return self.model.swept(self.image, Generator(self.image.device).manual_seed(0))[0]

    def sample(self, generator: Generator) -> Code:
        return self.model.swept(self.image, generator)[1]


class Model(Base, Encodes, Decodes, Samples, Fits, HasFilters):
    """``Config`` says which nets and how they are inferred."""

    fitted = "by sampling, for as long as --set inference.sweeps=N says"
    read = ("s",)
    lower: Tensor  # dictionaries [maps, c, k, k]
    upper: Tensor
    mean: Tensor
    alpha: Tensor

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image, self.players = config, image, {}
        layers = layers_of(image, config.maps, config.kernels, config.pools)
        if len(layers) != 2 or layers[0].tiling is None:
            raise Refusal(
                f"dgdn_sampled: positions of one pooling can be drawn, but these nets have {len(layers) - 1}; give "
                "maps, kernels and pools of two layers, for 32 pixels as maps=48,128 kernels=5,5 pools=4"
            )
        self.tiling, self.top = layers[0].tiling, (layers[1].maps, *layers[1].size)
        self.latents = {
            "s": Latent((math.prod(self.top),)),
            "z1": Latent((layers[0].maps, self.tiling.rows, self.tiling.columns), "categorical"),
        }
        lower, upper = (weight.detach().clone() for weight in Downward(layers).parameters())
        self.sds = [3 * weight.std() for weight in (lower, upper)]  # of the prior
        self.register_buffer("lower", lower)
        self.register_buffer("upper", upper)
        self.register_buffer("mean", torch.full(image, GREY))
        self.register_buffer("alpha", torch.tensor(10.0))

    def moves(self) -> tuple[Move, ...]:
        return ()

    def encode(self, image: Tensor) -> Chain:
        return Chain(self, image)

    def decode(self, code: Code) -> Tensor:
        if "z1" in code:
            place = self.tiling.flat(code["z1"]).round().clamp(0, self.tiling.positions - 1)
            weight = one_hot(place, self.tiling.positions)
        else:  # the mean over the prior's
            weight = self.tiling.even(len(self.lower), len(code["s"]), self.lower.device).exp()
        return (self.drawn(code["s"], weight) + self.mean).clamp(0, 1)

    def filters(self) -> Tensor:
        return self.lower

    def sample_prior(self, n: int, generator: Generator) -> Code:
        code = prior.drawn({"s": self.latents["s"]}, n, generator, self.lower.device)
        return code | {"z1": self.tiling.unflat(largest(self._even(n, generator, False)).float())}

    def drawn(self, s: Tensor, weight: Tensor, *, lower: Tensor | None = None, upper: Tensor | None = None) -> Tensor:
        """Images [b, c, h, w] less the mean one, of codes [b, k] and positions' weights [maps, m, n]."""
        placed = self.tiling.join(unpool(self.tiling.flat(self._values(s, upper)), weight))
        return functional.conv_transpose2d(placed, self.lower if lower is None else lower)

    def fit(self, image: Callable[[], Any], generator: Generator) -> dict[str, float]:
        x = torch.cat(list(image())).to(self.lower.device)
        self.mean.copy_(x.mean(0))
        x, draw = x - self.mean, self._of_gaussians(generator)
        s, weight = x.new_zeros(len(x), *self.latents["s"].shape), self._even(len(x), generator, False)
        chance = weight
        for _ in range(self.config.inference.sweeps):
            s, weight, chance = self._sweep(x, s, weight, chance, generator)
            lower, upper = partial(self._of_lower, s, weight), partial(self._of_upper, s, weight)
            self.lower.copy_(linear_gaussian(lower, x, self.lower, self.alpha, self.sds[0], draw, keep=0))
            self.upper.copy_(linear_gaussian(upper, x, self.upper, self.alpha, self.sds[1], draw, keep=0))
            rest = x - self.drawn(s, weight)
            self.alpha.copy_(precision(rest, self.config.floor, draw))
        return {"squared error": float(rest.square().sum() / len(x)), "alpha": float(self.alpha)}

    @torch.no_grad()
    def swept(self, image: Tensor, generator: Generator) -> tuple[Code, Code]:
        """Mean code and commonest positions of the sweeps kept, and the last of them."""
        x, inference = image - self.mean, self.config.inference
        s, weight = x.new_zeros(len(x), *self.latents["s"].shape), self._even(len(x), generator, True)
        code, counts, chance = torch.zeros_like(s), torch.zeros_like(weight), weight
        for number in range(inference.burn + inference.kept):
            s, weight, chance = self._sweep(x, s, weight, chance, generator)
            if number >= inference.burn:
                code, counts = code + s / inference.kept, counts + weight
        places = [self.tiling.unflat(largest(one).float()) for one in (counts, weight)]
        return {"s": code, "z1": places[0]}, {"s": s, "z1": places[1]}

    def _sweep(
        self, x: Tensor, s: Tensor, weight: Tensor, chance: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Codes, then positions and what these were drawn from."""
        draw = self._of_gaussians(generator)
        if draw is None:
            s = self._summed(x, s, chance)
        else:
            s = linear_gaussian(partial(self.drawn, weight=weight), x, s, self.alpha, 1.0, draw, keep=1)
        values, rest = self._values(s, None), x - self.drawn(s, weight)
        return s, *redraw_positions(rest, values, weight, self.lower, self.tiling, self.alpha, generator)[1:]

    def _summed(self, x: Tensor, s: Tensor, chance: Tensor) -> Tensor:
        """The most likely codes, each block's position summed over: its squared error is that of the mean image, and
        what lies beyond, as if that were pixels to be zero."""
        beyond = beyond_the_mean(self.lower, chance, self.tiling).sqrt()

        def both(s: Tensor) -> Tensor:
            further = self.tiling.unflat(beyond * self.tiling.flat(self._values(s, None)))
            return torch.cat([self.drawn(s, chance).flatten(1), further.flatten(1)], 1)

        target = functional.pad(x.flatten(1), (0, beyond.numel() // len(x)))
        return linear_gaussian(both, target, s, self.alpha, 1.0, None, keep=1)

    def _values(self, s: Tensor, upper: Tensor | None) -> Tensor:
        return functional.conv_transpose2d(s.unflatten(1, self.top), self.upper if upper is None else upper)

    def _of_lower(self, s: Tensor, weight: Tensor, lower: Tensor) -> Tensor:
        return self.drawn(s, weight, lower=lower)

    def _of_upper(self, s: Tensor, weight: Tensor, upper: Tensor) -> Tensor:
        return self.drawn(s, weight, upper=upper)

    def _of_gaussians(self, generator: Generator) -> Generator | None:
        """For Gaussian parts: the generator, or none where these are put at their modes."""
        return generator if isinstance(self.config.inference, Gibbs) else None

    def _even(self, n: int, generator: Generator, same: bool) -> Tensor:
        """Weights of evenly drawn positions, which with ``same`` all images share."""
        log_p = self.tiling.even(len(self.lower), 1, self.lower.device)
        drawn = [categorical.draw(log_p, generator) for _ in range(1 if same else n)]
        return one_hot(torch.cat(drawn * n if same else drawn, 1), self.tiling.positions)
