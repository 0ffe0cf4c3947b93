"""Images drawn of the prior given attributes: Langevin Monte Carlo on the code, and acceptance by the classifier
(IntroVAC, section 4.3)."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from latelier.codes.fitted import as_trained
from latelier.core import Code, Decodes, Directions, Encodes, Model, Samples, need
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, place
from latelier.objectives.langevin import Chain, posterior_slope

ROUNDS, FEWEST, MOST = 20, 64, 1024  # rounds of this many chains at once


class Drawn(NamedTuple):
    """What was kept."""

    code: Code  # [n, ...]
    image: Tensor  # [n, c, h, w]
    kept: float  # share of the chains whose image, encoded again, has what was asked for


@torch.no_grad()
def draw_given(
    model: Model,
    directions: Directions,
    given: Mapping[str, int],
    n: int,
    generator: Generator,
    chain: Chain = Chain(),  # noqa: B008, frozen
) -> Drawn:
    """At most n draws of p(z | attributes), 1 to have and 0 not to have. Raises Refusal for an unknown attribute, for a
    code without a Gaussian prior, and where no chain is accepted."""
    if FAKE in directions.names:
        given = {FAKE: 0, **given}  # real ones are asked for, as in the authors' code
    if other := [name for name in directions.weight if model.latents[name].kind != "gaussian"]:
        raise Refusal(
            f"draws given attributes need a Gaussian prior, but that of {other[0]} is {model.latents[other[0]].kind}"
        )
    columns = [place(directions, name) for name in given]
    weight = torch.cat([part[columns].flatten(1) for part in directions.weight.values()], 1)
    value = torch.tensor(list(given.values()), device=weight.device)
    slope = posterior_slope(weight, directions.bias[columns], value)
    blocks, found, tried = list[tuple[Code, Tensor]](), 0, 0
    prior = need(as_trained(model), Samples)  # that of which ``posterior_slope`` is
    decoder, encoder = need(model, Decodes), need(model, Encodes)
    for _ in range(ROUNDS):
        with evaluating(model):
            code = prior.sample_prior(min(MOST, max(FEWEST, n)), generator)
            code = _chained(code, directions, slope, chain, generator)
            image = decoder.decode(code)
            odds = log_odds(directions, encoder.encode(image).mode())[:, columns]
        right = ((odds > 0) == (value == 1)).all(1)
        blocks.append(({name: part[right] for name, part in code.items()}, image[right]))
        found, tried = found + int(right.sum()), tried + len(right)
        if found >= n:
            break
    if not found:
        raise Refusal(
            f"of {tried:,} chains none drew an image that the classifier takes for {_words(given)}: train longer, or "
            "ask for fewer attributes at once"
        )
    codes = {name: torch.cat([block[name] for block, _ in blocks])[:n] for name in blocks[0][0]}
    return Drawn(codes, torch.cat([image for _, image in blocks])[:n], found / tried)


def _chained(
    code: Code, directions: Directions, slope: Callable[[Tensor], Tensor], chain: Chain, generator: Generator
) -> Code:
    """The code with the latents that directions read where their chains end."""
    names = list(directions.weight)
    end = chain.run(torch.cat([code[name].flatten(1) for name in names], 1), slope, generator)
    sizes = [math.prod(code[name].shape[1:]) for name in names]
    parts = dict(zip(names, end.split(sizes, 1), strict=True))
    return {name: parts[name].view_as(value) if name in parts else value for name, value in code.items()}


def _words(given: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())
