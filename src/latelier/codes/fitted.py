"""A model whose codes are drawn from a density that was fitted to the codes of its training images."""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from latelier.codes.density import Density
from latelier.codes.rows import block_on, device_of
from latelier.codes.symbols import Sequence
from latelier.core import (
    Code,
    Decodes,
    Encodes,
    Metric,
    Model,
    Move,
    Optimiser,
    Quantises,
    Samples,
    Wrapper,
    has,
    innermost,
    missing,
    need,
)
from latelier.core.lacking import lack
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.rules.finding import Finding

KINDS = ("gaussian", "point")  # latents that a density on numbers is fitted to
WIDEST = 2048  # latent dimensions


class Fitted(Wrapper, Samples):
    """The inner model in all but its prior."""

    def __init__(self, inner: Model, density: Density | Sequence):
        super().__init__()
        self.inner, self.density = inner, density
        self.image, self.latents, self.players = inner.image, inner.latents, inner.players
        self.schedule, self.higher = inner.schedule, inner.higher
        self.prior_said = f"{density.said}, fitted to codes of training images"

    def sample_prior(self, n: int, generator: Generator) -> Code:
        with torch.no_grad():
            rows = self.density.sample(n, generator)
        if isinstance(self.density, Sequence):
            return need(self.inner, Quantises).of_symbols(rows)
        return apart(self.inner, rows)

    def moves(self) -> tuple[Move, ...]:
        return self.inner.moves()

    def optimisers(self) -> dict[str, Optimiser]:
        return self.inner.optimisers()

    def monitor(self) -> Metric:
        return self.inner.monitor()

    def measures(self, terms: dict[str, float]) -> dict[str, float]:
        return self.inner.measures(terms)

    def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
        return self.inner.remarks(terms, seen)

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        return self.inner.findings(facts)


def as_trained(model: Model) -> Model:
    """The model without a fitted prior."""
    return as_trained(model.inner) if isinstance(model, Fitted) else model


def prior_of(model: Model) -> str:
    """What a fitted prior is, in words; empty where there is none."""
    return need(model, Samples).prior_said if as_trained(model) is not model else ""


def check_fits(model: Model) -> None:
    """Raises Refusal for a model to whose codes no density can be fitted."""
    if lacking := [one for one in (Encodes, Decodes) if not has(model, one)]:
        raise Refusal(f"fit-prior {lack(type(innermost(model)), lacking)}")
    for name, latent in model.latents.items():
        if latent.kind not in KINDS:
            raise Refusal(
                f"fit-prior takes codes of numbers without bounds, but latent {name} is {latent.kind}; its prior stays"
            )
    if (size := numbers(model)) > WIDEST:
        raise Refusal(f"fit-prior takes codes of at most {WIDEST:,} numbers, but these have {size:,}")


def check_quantises(model: Model) -> None:
    """Raises Refusal for a model whose codes are not of a codebook."""
    if lacking := missing(model, (Encodes, Decodes, Quantises)):
        raise Refusal(f"fit-prior --kind sequence {lack(type(innermost(model)), lacking)}; take gmm or flow")


def numbers(model: Model) -> int:
    """How many numbers a code has."""
    return sum(math.prod(latent.shape) for latent in model.latents.values())


def together(model: Model, code: Code) -> Tensor:
    """All latents side by side, [b, d] float32."""
    return torch.cat([code[name].flatten(1).float() for name in model.latents], 1)


def apart(model: Model, rows: Tensor) -> Code:
    """The code of rows [b, d]: the inverse of ``together``."""
    parts = rows.split([math.prod(latent.shape) for latent in model.latents.values()], 1)
    return {
        name: part.unflatten(1, latent.shape) if latent.shape else part[:, 0]
        for (name, latent), part in zip(model.latents.items(), parts, strict=True)
    }


def drawn_codes(model: Model, images: Images, generator: Generator) -> Tensor:
    """One draw of q(z | x) for each image: [n, d] float32 on the CPU."""
    encoder, device, found = need(model, Encodes), device_of(model), list[Tensor]()
    for block in images.blocks(block_on(device)):
        with evaluating(model):
            found.append(together(model, encoder.encode(block.to(device)).sample(generator)).cpu())
    return torch.cat(found)
