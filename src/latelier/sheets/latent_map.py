"""What each latent dimension answers to: its mean over known places, scales and rotations, and its traversal.

After Higgins et al. 2017, figure 7."""

from itertools import zip_longest
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, Posterior, need
from latelier.errors import Refusal
from latelier.sheets.maps import bar, colours_of, curves, heat, swatch
from latelier.sheets.sheet import CELL, Cell, Grid, compose
from latelier.sheets.traverse import Axis, axes, captions_of, moved, name_of, row_of, stops_of
from latelier.sheets.view import Free, View, encoded, pixels

needs = (Encodes, Decodes)
IMAGES = 8000
COLUMNS = 10  # latent dimensions at most
LEAST = 10  # images a place on average: places are joined until they hold this many
FEW = 3  # images at least behind a mean that is drawn
ROLES = {  # what the map asks for -> what data sets call it
    "x": ("x", "x 1"),
    "y": ("y", "y 1"),
    "scale": ("scale", "radius 1"),
    "rotation": ("rotation", "rotation 1"),
    "shape": ("shape", "kind 1"),
}


class Ranked(NamedTuple):
    """The latent dimensions that are drawn, and what they are ordered by."""

    axes: list[Axis]
    measure: str  # how a weight is said
    by: str  # the order in words


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: a column a latent dimension. Raises Refusal where place, scale, rotation or shape are
    unknown."""
    known = _levels(view)
    posterior = Free(encoded(view), view.model)
    codes = posterior.mode()
    ranked = ranking(posterior, codes, view)
    shown = ranked.axes[:COLUMNS]
    values = torch.stack([_numbers(codes, axis) for axis in shown], 1).cpu().numpy()
    values = values - values.mean(0)

    x, y, places = _places(known)
    over_places = mean_by(values, y, x)
    over = {role: mean_by(values, known["shape"], known[role]) for role in ("scale", "rotation")}
    span = float(max(np.nan_to_num(np.abs(means)).max() for means in (over_places, *over.values()))) or 1.0

    colours = colours_of(int(known["shape"].max()) + 1)
    rows = [[Cell(heat(over_places[..., i], span)) for i in range(len(shown))]]
    rows += [[Cell(curves(means[..., i], span, colours)) for i in range(len(shown))] for means in over.values()]
    most = max(axis.weight for axis in shown) or 1.0
    bars = [Cell(bar(axis.weight / most), note=ranked.measure.format(axis.weight)) for axis in shown]
    captions = [f"over {places[0]} x {places[1]} places", "against scale", "against rotation"]
    grids = [
        _legend(view, known["shape"], colours),
        Grid(rows, captions, [name_of(view, axis) for axis in shown], "mean activation", CELL),
        Grid([bars], [ranked.by]),
        _traversals(view, codes, shown),
    ]
    return compose(f"{view.title}: latent map", [[grid] for grid in grids], _footer(view, ranked, span))


def mean_by(values: np.ndarray, *levels: np.ndarray, least: int = FEW) -> np.ndarray:
    """values [n, k] and any number of levels [n] -> [levels of the first, levels of the second, ..., k], the mean over
    the images of each combination; not a number where there are fewer than ``least``."""
    shape = tuple(int(level.max()) + 1 for level in levels)
    group = np.ravel_multi_index(levels, shape)
    cells = int(np.prod(shape))
    count = np.bincount(group, minlength=cells).astype(float)
    sums = np.stack([np.bincount(group, weights=column, minlength=cells) for column in values.T], 1)
    return (sums / np.where(count >= least, count, np.nan)[:, None]).reshape(*shape, values.shape[1])


def ranking(posterior: Posterior, codes: Code, view: View) -> Ranked:
    """All latent dimensions, by the variance of q(z | x), least first: the mean over the images of (draw - mode)^2, one
    draw each. By ``traverse.axes`` where the posterior has no width, or a kind without variance."""
    draws = posterior.sample(view.generator)
    variance = {name: (draws[name] - codes[name]).float().square().mean(0) for name in codes}
    gaussian = all(view.model.latents[name].kind == "gaussian" for name in codes)
    if gaussian and all(bool((value > 0).any()) for value in variance.values()):
        found = [Axis(name, i, w) for name, value in variance.items() for i, w in enumerate(value.flatten().tolist())]
        return Ranked(sorted(found, key=lambda axis: axis.weight), "{:.3f}", "mean variance of the posterior")
    order, measure = axes(posterior)
    words = "KL from the prior, nats" if measure.startswith("KL") else "variance of the codes"
    return Ranked(order, "{:.2f}" if measure.startswith("KL") else "{:#.3g}", words)


def _levels(view: View) -> dict[str, np.ndarray]:
    """Role -> [n] levels of the factor that plays it."""
    found = {role: next((name for name in names if name in view.factors), "") for role, names in ROLES.items()}
    if lacking := [role for role, name in found.items() if not name]:
        raise Refusal(
            f"latent_map needs images whose {', '.join(lacking)} are known: give --data sprites or --data scenes"
        )
    return {role: view.levels[:, view.factors.index(name)].numpy() for role, name in found.items()}


def _places(known: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """x [n], y [n] and how many there are of each, neighbours joined until a place holds ``LEAST`` images."""
    wide, high = (int(known[role].max()) + 1 for role in ("x", "y"))
    across, down = wide, high
    while max(across, down) > 4 and len(known["x"]) < LEAST * across * down:
        across, down = ceil(across / 2), ceil(down / 2)
    return known["x"] * across // wide, known["y"] * down // high, (across, down)


def _traversals(view: View, codes: Code, shown: list[Axis]) -> Grid:
    """A column a number, moved around the code of the first image."""
    here = {name: value[:1] for name, value in codes.items()}
    kinds = [view.model.latents[axis.latent].kind for axis in shown]
    stops = [stops_of(kind, _numbers(codes, axis)) for kind, axis in zip(kinds, shown, strict=True)]
    moves = [(axis, stop) for axis, column in zip(shown, stops, strict=True) for stop in column]
    frames = iter(pixels(need(view.model, Decodes).decode(moved(here, moves))))
    columns = [
        row_of(frames, column, float(_numbers(here, axis)[0])) for axis, column in zip(shown, stops, strict=True)
    ]
    rows = list(zip_longest(*columns))
    captions = captions_of(kinds[0]) if len(set(kinds)) == 1 else [""] * len(rows)
    return Grid(rows, captions, [name_of(view, axis) for axis in shown], f"traversals around {view.caption(0)}", CELL)


def _legend(view: View, shape: np.ndarray, colours: np.ndarray) -> Grid:
    """A swatch a shape, named by its class where classes are shapes."""
    cells = []
    for level, colour in enumerate(colours):
        names = {view.label[i] for i in np.flatnonzero(shape == level)}
        cells.append(Cell(swatch(colour), note=names.pop() if len(names) == 1 else f"shape {level}"))
    return Grid([cells], ["curves: one a shape"])


def _numbers(code: Code, axis: Axis) -> Tensor:
    return code[axis.latent].flatten(1)[:, axis.number].float()


def _footer(view: View, ranked: Ranked, span: float) -> str:
    number = len(ranked.axes)
    return (
        f"Mean activation of a latent dimension over {len(view.image)} images, less its mean over all of them: blue "
        f"\N{MINUS SIGN}{span:.2f}, white 0, red +{span:.2f}; curves have the same range. All factors that are not "
        f"named are averaged over; grey: fewer than {FEW} images. Columns: {min(number, COLUMNS)} of {number} "
        f"numbers, ordered by {ranked.by}. Beneath, each number of one image's code is moved and the others left as "
        "inferred; a frame marks the stop nearest to its own value."
    )
