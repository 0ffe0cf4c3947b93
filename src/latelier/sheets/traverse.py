"""What each latent dimension does: one dimension moved at a time, the most informative first."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, HasLevels, Posterior, has, need
from latelier.errors import Refusal
from latelier.sheets.sheet import Cell, Grid, compose
from latelier.sheets.view import Free, View, pixels

needs = (Encodes, Decodes)
ROWS = 12  # at most
STEPS = 7
AXES = {  # kind of a latent -> what its values stand for
    "gaussian": "value of the number, in standard deviations of the prior",
    "uniform": "value of the number, from the lowest to the highest among the codes of {n} images",
    "bernoulli": "value of the number",
    "categorical": "value of the number",
    "point": "value of the number: mean and standard deviations (sd) of the codes of {n} images",
}


class Axis(NamedTuple):
    """One latent dimension."""

    latent: str
    number: int  # its place in the flattened latent
    weight: float  # what axes are ordered by


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: one row a latent dimension, moved around the code of the first image, the others as inferred."""
    posterior = Free(need(view.model, Encodes).encode(view.image), view.model)
    codes = posterior.mode()
    order, measure = axes(posterior)
    order = order[:ROWS]
    kinds = {axis: view.model.latents[axis.latent].kind for axis in order}
    stops = {axis: stops_of(kinds[axis], _numbers(codes, axis)) for axis in order}

    here = {name: value[:1] for name, value in codes.items()}
    decoder = need(view.model, Decodes)
    frames = iter(pixels(decoder.decode(moved(here, [(axis, stop) for axis in order for stop in stops[axis]]))))
    cells = {axis: row_of(frames, stops[axis], float(_numbers(here, axis)[0])) for axis in order}

    subject = [[Cell(pixels(view.image[:1])[0]), Cell(pixels(decoder.decode(here))[0])]]
    bands = [[Grid(subject, rows=[f"the image: {view.caption(0)}"], columns=["original", "decoded"])]]
    for kind in dict.fromkeys(kinds.values()):
        rows = [axis for axis in order if kinds[axis] == kind]
        captions = [f"{name_of(view, axis)} {measure.format(axis.weight)}" for axis in rows]
        grid = Grid([cells[axis] for axis in rows], captions, captions_of(kind), AXES[kind].format(n=len(view.image)))
        bands.append([grid])
    return compose(f"{view.title}: traversal", bands, _footer(view, codes, order, measure))


def axes(posterior: Posterior) -> tuple[list[Axis], str]:
    """Every latent dimension, the heaviest first, and how its weight is said: by the KL from the prior, averaged over
    the images, where the posterior has it for every latent, else by the variance of the codes over the images. Raises
    Refusal for a variance of a single image."""
    rate, code = posterior.rate(), posterior.mode()
    if rate.keys() >= code.keys():
        weights, measure = {name: rate[name].mean(0) for name in code}, "KL {:.2f} nats"
    else:
        weights = {name: value.float().var(0, correction=0) for name, value in code.items()}
        measure = "variance {:#.3g}"
        images = len(next(iter(code.values())))
        if images < 2:
            raise Refusal(
                f"these latents are ordered by their variance, but {images} image was given: give at least two"
            )
    found = [
        Axis(name, number, weight)
        for name, values in weights.items()
        for number, weight in enumerate(values.flatten().tolist())
    ]
    return sorted(found, key=lambda axis: -axis.weight), measure


def stops_of(kind: str, seen: Tensor) -> list[float]:
    """The values that a latent dimension is moved to, given its values [n] in the codes of the data."""
    units = torch.linspace(-3, 3, STEPS)
    if kind == "gaussian":
        return units.tolist()
    if kind in ("bernoulli", "categorical"):
        return [0.0, 1.0]
    low, high, mean, sd = (float(x) for x in (seen.min(), seen.max(), seen.mean(), seen.std(correction=0)))
    return (torch.linspace(low, high, STEPS) if kind == "uniform" else mean + sd * units).tolist()


def captions_of(kind: str) -> list[str]:
    """What stands above the columns of ``stops_of``."""
    units = [f"{unit:+d}".replace("-", "\N{MINUS SIGN}").replace("+0", "0") for unit in range(-3, 4)]
    if kind == "point":
        return [f"mean {unit} sd" if unit != "0" else "mean" for unit in units]
    if kind == "uniform":
        return ["lowest", *[""] * (STEPS - 2), "highest"]
    return units if kind == "gaussian" else ["0", "1"]


def moved(code: Code, moves: list[tuple[Axis, float]]) -> Code:
    """Copies of one code [1, ...], one a move, in each of which one number has the value of the move."""
    copies = {name: value.repeat(len(moves), *[1] * (value.dim() - 1)) for name, value in code.items()}
    for row, (axis, value) in enumerate(moves):
        copies[axis.latent].view(len(moves), -1)[row, axis.number] = value
    return copies


def row_of(frames: Iterator[np.ndarray], stops: list[float], here: float) -> list[Cell]:
    """The next frame of each stop, the stop nearest to ``here`` marked."""
    nearest = min(range(len(stops)), key=lambda i: abs(stops[i] - here))
    return [Cell(next(frames), marked=i == nearest) for i in range(len(stops))]


def _numbers(code: Code, axis: Axis) -> Tensor:
    """[b] float: that latent dimension of every code."""
    return code[axis.latent].reshape(len(code[axis.latent]), -1)[:, axis.number].float()


def name_of(view: View, axis: Axis) -> str:
    """What captions call that number, as "z[3]"."""
    shape = view.model.latents[axis.latent].shape
    place = ",".join(str(i) for i in np.unravel_index(axis.number, shape)) if shape else ""
    return f"{axis.latent}[{place}]" if place else axis.latent


def _footer(view: View, codes: Code, order: list[Axis], measure: str) -> str:
    numbers = sum(value[0].numel() for value in codes.values())
    below = "Levels below follow at their means. " if has(view.model, HasLevels) else ""
    by = "the KL of the posterior from the prior" if measure.startswith("KL") else "the variance of the codes"
    return (
        f"Each row moves one latent dimension of the image's code and leaves the others as inferred; a frame marks the "
        f"stop nearest to the image's own value. {below}Shown are {len(order)} of {numbers} numbers, ordered by {by} "
        f"over {len(view.image)} images."
    )
