"""The images over a plane of the code: what a code of two numbers holds, all at once."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, Samples, has, need
from latelier.errors import Refusal
from latelier.sheets.figures import mosaic
from latelier.sheets.sheet import Panel, compose, signed
from latelier.sheets.traverse import Axis, axes, name_of
from latelier.sheets.view import BLOCK, Free, View, encoded, free, pixels

needs = (Decodes, Samples)
STEPS = 20  # a side
DRAWS = 4096  # of the prior, that tell its spread


class Way(NamedTuple):
    """The stops of one axis of the plane."""

    axis: Axis
    stops: Tensor  # [STEPS], ascending
    kind: str


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: decodes of a grid of codes (Kingma & Welling 2014, figure 4), without gaps. Raises Refusal for a
    code of one number, and for latents that are neither Gaussian nor uniform."""
    prior = _prior(view)
    pair, chosen = _pair(view, prior)
    right, up = (_way(view, axis, prior) for axis in pair)
    drawn = pixels(_decoded(view, grid_of(right, up, prior)))

    def ends(way: Way) -> str:
        low, high = (signed(stop, ".2f") for stop in way.stops[[0, -1]].tolist())
        return f"{name_of(view, way.axis)} from {low} to {high}"

    footer = (
        f"Mean images of {STEPS} x {STEPS} codes: rightwards {ends(right)}, upwards {ends(up)}. {_spacing(right, up)}"
        f"{chosen}"
    )
    return compose(f"{view.title}: manifold", [[Panel(mosaic(drawn, STEPS))]], footer)


def grid_of(right: Way, up: Way, prior: Code) -> Code:
    """Codes [STEPS^2, ...] of the plane in the order in which they are drawn, from the top left; all other numbers are
    0."""
    code = {
        name: torch.zeros_like(value[:1]).repeat(STEPS**2, *[1] * (value.dim() - 1)) for name, value in prior.items()
    }
    for way, stops in ((right, right.stops.repeat(STEPS)), (up, up.stops.flip(0).repeat_interleave(STEPS))):
        code[way.axis.latent].view(STEPS**2, -1)[:, way.axis.number] = stops.to(code[way.axis.latent])
    return code


def stops_of(kind: str, drawn: Tensor) -> Tensor:
    """[STEPS] values of a latent dimension, given draws [n] of its prior: of a Gaussian the middles of equal shares of
    the prior, of a uniform one even steps."""
    if kind == "uniform":
        return torch.linspace(float(drawn.min()), float(drawn.max()), STEPS)
    share = (torch.arange(STEPS, dtype=torch.float64) + 0.5) / STEPS
    sd = float(drawn.std())  # 1 for most models, and then exactly 1: draws tell it to 1.1 %. PCA's is its component's
    stops: Tensor = torch.special.ndtri(share) * (sd if abs(sd - 1) > 0.06 else 1)
    return stops.float()


def _pair(view: View, prior: Code) -> tuple[list[Axis], str]:
    """The two numbers that span the plane, and why these."""
    numbers = [Axis(name, i, 0.0) for name, value in prior.items() for i in range(value[0].numel())]
    if len(numbers) < 2:
        raise Refusal("manifold draws a plane of codes, but this model's code is one number: see the sheet traverse")
    if len(numbers) == 2:
        return numbers, ""
    if not has(view.model, Encodes):
        raise Refusal(
            f"manifold draws two of this code's {len(numbers)} numbers, those that images move most, but the model "
            "encodes no images; train one with latent=2"
        )
    order, measure = axes(Free(encoded(view), view.model))
    weights = " and ".join(measure.format(axis.weight) for axis in order[:2])
    return order[:2], (
        f" These are the two of {len(numbers)} numbers with the greatest {measure.split(' ')[0]} over "
        f"{len(view.image)} images ({weights}); all others are 0."
    )


def _prior(view: View) -> Code:
    """Codes [DRAWS, ...] of the prior, drawn a block at a time: of a hierarchy, levels below the top may be large."""
    sampler = need(view.model, Samples)
    blocks = [free(view.model, sampler.sample_prior(BLOCK, view.generator)) for _ in range(DRAWS // BLOCK)]
    return {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}


def _way(view: View, axis: Axis, prior: Code) -> Way:
    kind = view.model.latents[axis.latent].kind
    if kind not in ("gaussian", "uniform"):
        raise Refusal(f"manifold needs numbers with a Gaussian or uniform prior, but {axis.latent} is {kind}")
    return Way(axis, stops_of(kind, prior[axis.latent].flatten(1)[:, axis.number]), kind)


def _decoded(view: View, code: Code) -> Tensor:
    decoder = need(view.model, Decodes)
    rows = [
        decoder.decode({name: value[i : i + STEPS] for name, value in code.items()}) for i in range(0, STEPS**2, STEPS)
    ]
    return torch.cat(rows)


def _spacing(*ways: Way) -> str:
    gaussian = "Steps are equal shares of the Gaussian prior: even steps on the unit square through its inverse CDF."
    return gaussian if any(way.kind == "gaussian" for way in ways) else "Steps are even, as the prior is uniform."
