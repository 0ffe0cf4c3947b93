"""Draws of what is conjugate in a deconvolutional network: linear Gaussians, a precision, positions of a pooling."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.nets.unpool import Tiling, one_hot, unpool
from latelier.objectives import categorical

STEPS, TOLERANCE = 50, 1e-4  # of conjugate gradients
SHAPE, RATE = 1.0, 1e-3  # of the precision's Gamma prior


def linear_gaussian(
    forward: Callable[[Tensor], Tensor],
    target: Tensor,
    start: Tensor,
    alpha: Tensor,
    sd: float | Tensor,
    generator: Generator | None,
    *,
    keep: int,
) -> Tensor:
    """A draw of w given target ~ N(forward(w), 1 / alpha) and w ~ N(0, sd^2), or without a generator its mode.

    ``forward`` is linear, from start's shape to target's; the first ``keep`` axes (1 or 0) are systems of their own,
    which all get the same noise. Draws are solutions of a disturbed system (Papandreou & Yuille 2010), exact but for
    the tolerance of conjugate gradients."""
    disturbed, pull = target, torch.zeros_like(start)
    if generator is not None:
        disturbed = target + alpha.rsqrt() * _normal(target, generator, keep)
        pull = _normal(start, generator, keep) / sd
    back: Callable[[Tensor], tuple[Tensor]] = torch.func.vjp(forward, start)[1]  # the adjoint

    def system(w: Tensor) -> Tensor:
        return w / sd**2 + alpha * back(forward(w))[0]

    return solved(system, pull + alpha * back(disturbed)[0], start, keep=keep)


def solved(system: Callable[[Tensor], Tensor], right: Tensor, start: Tensor, *, keep: int) -> Tensor:
    """Conjugate gradients from ``start``, for each of the systems of the first ``keep`` axes."""

    def inner(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(tuple(range(keep, a.ndim)), keepdim=True)

    x, rest = start, right - system(start)
    direction, size, enough = rest, inner(rest, rest), TOLERANCE**2 * inner(right, right)
    for _ in range(STEPS):
        going = size > enough
        if not bool(going.any()):
            break
        moved = system(direction)
        step = going * size / inner(direction, moved).clamp(min=1e-30)  # a solved system waits for the others
        x, rest = x + step * direction, rest - step * moved
        before, size = size, inner(rest, rest)
        direction = rest + size / before.clamp(min=1e-30) * direction
    return x


def precision(residual: Tensor, floor: float, generator: Generator | None) -> Tensor:
    """A draw of alpha given residuals N(0, 1 / alpha) and its Gamma prior, or without a generator its mode; at most
    1 / floor^2, or it has no limit where images can be drawn exactly."""
    shape, rate = SHAPE + residual.numel() / 2, RATE + float(residual.square().sum()) / 2
    if generator is None:
        return residual.new_tensor((shape - 1) / rate).clamp(max=floor**-2)
    # A Gamma of so large a shape is normal on the scale of its cube root (Wilson & Hilferty 1931).
    noise = torch.randn((), generator=generator, device=generator.device).to(residual.device)
    return (shape / rate * (1 - 1 / (9 * shape) + noise / (3 * math.sqrt(shape))) ** 3).clamp(max=floor**-2)


class Redrawn(NamedTuple):
    """What a sweep over positions leaves."""

    rest: Tensor  # [b, c, h, w]: what the image has beyond its reconstruction
    weight: Tensor  # [maps, m, n]: 1 at the drawn position of each block
    chance: Tensor  # [maps, m, n]: what the positions had been drawn from


def redraw_positions(
    rest: Tensor,
    values: Tensor,
    weight: Tensor,
    dictionary: Tensor,
    tiling: Tiling,
    alpha: Tensor,
    generator: Generator,
) -> Redrawn:
    """One sweep over all positions. ``values`` [b, maps, rows, columns] are what stands at the positions ``weight``,
    dictionary is [maps, c, k, k]. Blocks of one map that no filter joins are drawn at once."""
    weight, side = weight.clone(), tiling.side
    chance = torch.zeros_like(weight)
    apart = math.ceil((dictionary.shape[-1] + side - 1) / side)  # blocks from one to the next that it does not touch
    rows, columns = torch.arange(tiling.rows) % apart, torch.arange(tiling.columns) % apart
    colour = (rows[:, None] * apart + columns).flatten().to(rest.device)
    for map in range(len(dictionary)):
        entry = dictionary[map : map + 1]
        turned = entry.transpose(0, 1).flip(-1, -2)
        norm = 0.5 * entry.square().sum()
        value = tiling.flat(values[:, map : map + 1])
        for number in range(int(colour.max()) + 1):
            here = (colour == number).repeat(len(rest)).to(value.dtype)[None]
            if not bool(here.any()):
                continue
            part = value * here
            rest = rest + _drawn(tiling.join(unpool(part, weight[map : map + 1])), turned)
            match = tiling.split(functional.conv2d(rest, entry))
            log_p = tiling.masked(alpha * (part[:, None] * match - norm * part[:, None].square())).log_softmax(1)
            drawn = one_hot(_draw(log_p, tiling, generator), tiling.positions)
            weight[map : map + 1] = torch.where(here[:, None] > 0, drawn, weight[map : map + 1])
            chance[map : map + 1] += here[:, None] * log_p.exp()
            rest = rest - _drawn(tiling.join(unpool(part, weight[map : map + 1])), turned)
    return Redrawn(rest, weight, chance)


def _drawn(placed: Tensor, turned: Tensor) -> Tensor:
    """Images of one map: its transposed convolution, which CPUs compute much sooner as a padded one."""
    return functional.conv2d(placed, turned, padding=turned.shape[-1] - 1)


def _draw(log_p: Tensor, tiling: Tiling, generator: Generator) -> Tensor:
    """Positions [c, n], with the same noise for each image."""
    by_image = log_p.unflatten(2, (-1, tiling.cells)).permute(0, 3, 1, 2).flatten(0, 1)  # [c cells, m, b]
    drawn = categorical.draw(by_image, generator, same=True)
    out: Tensor = drawn.unflatten(0, (len(log_p), tiling.cells)).transpose(1, 2).flatten(1)
    return out


def _normal(like: Tensor, generator: Generator, keep: int) -> Tensor:
    shape = (1,) * keep + tuple(like.shape[keep:])
    return torch.randn(shape, generator=generator, device=generator.device).to(like.device)
