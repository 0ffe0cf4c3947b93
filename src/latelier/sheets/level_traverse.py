"""What each level of a hierarchy holds: entries of the top code and maps of lower ones, moved (HALI, figure 6)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, HasLevels, Samples, need
from latelier.sheets.sheet import Cell, Grid, compose, signed
from latelier.sheets.view import View, pixels

needs = (HasLevels, Decodes, Samples)
ROWS = 4  # a grid
BLOCK = 8  # codes decoded at once: more are slower on a CPU, whose caches they leave
STOPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


def multiplied(value: Tensor, unit: int, stop: float) -> Tensor:
    """A level's codes [b, n, ...] with that entry, or map, multiplied."""
    moved = value.clone()
    moved[:, unit] *= stop
    return moved


def replaced(value: Tensor, unit: int, stop: float) -> Tensor:
    """A level's codes [b, n, ...] with that entry, or every number of that map, replaced."""
    moved = value.clone()
    moved[:, unit] = stop
    return moved


WAYS: dict[str, Callable[[Tensor, int, float], Tensor]] = {"multiplied by": multiplied, "replaced by": replaced}


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: around one draw of the prior, the units of each level that change the image most, a row each,
    once multiplied and once replaced."""
    model = need(view.model, HasLevels)
    top = model.levels()[-1]
    code = model.fill({top: need(view.model, Samples).sample_prior(1, view.generator)[top]})
    bands = [[_grid(view, code, level, way)] for way in WAYS for level in reversed(model.levels())]
    maps = " (of maps, all their numbers)" if any(value.dim() > 2 for value in code.values()) else ""
    footer = (
        f"One code drawn from the prior of {top}, each level below at its mean. A row moves one entry or map{maps} "
        "and draws again what lies below at its mean; the last column, and ×1, leave the code as drawn. A level's rows "
        f"are the {ROWS} that change the image most at {signed(STOPS[0])}, the most first. Behind a name stands its "
        "own value, of a map the mean."
    )
    return compose(f"{view.title}: traversal by level", bands, footer)


def moves_of(code: Code, level: str, way: str, units: list[int], stops: tuple[float, ...]) -> Tensor:
    """[units * stops, ...]: the level's code, moved to each stop for each unit."""
    return torch.cat([WAYS[way](code[level], unit, stop) for unit in units for stop in stops])


def strongest(view: View, code: Code, level: str, way: str) -> list[int]:
    """The units of the level that change the image most at the first stop, in squared error."""
    units, here = list(range(code[level].shape[1])), _decoded(view, level, code[level])
    blocks = [units[start : start + BLOCK] for start in range(0, len(units), BLOCK)]
    moved = (_decoded(view, level, moves_of(code, level, way, block, STOPS[:1])) for block in blocks)
    changes = [(image - here).square().flatten(1).mean(1) for image in moved]
    order: list[int] = torch.cat(changes).argsort(descending=True, stable=True).tolist()
    return order[:ROWS]


def _grid(view: View, code: Code, level: str, way: str) -> Grid:
    units = strongest(view, code, level, way)
    frames = pixels(_decoded(view, level, moves_of(code, level, way, units, STOPS)))
    last = pixels(_decoded(view, level, code[level]))[0]
    rows = [frames[i : i + len(STOPS)] for i in range(0, len(frames), len(STOPS))]
    names = [f"{level}[{unit}] = {signed(code[level][0, unit].mean().item(), '.2f')}" for unit in units]
    columns = [f"×{signed(stop)}" if way == "multiplied by" else signed(stop) for stop in STOPS]
    cells = [[*map(Cell, row), Cell(last)] for row in rows]
    return Grid(cells, names, [*columns, "as drawn"], f"{level} {way}")


def _decoded(view: View, level: str, value: Tensor) -> Tensor:
    return need(view.model, Decodes).decode({level: value})
