"""A slider a latent dimension, the most informative first; of maps, those at one cell."""

from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, HasLevels, Posterior, Samples, has, need
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.sheets.traverse import axes, stops_of
from latelier.sheets.view import free
from latelier.slices import Slices

TITLE, PLACE = "Traverse", 5
GROUP, KEY = "Code", "t"
LINE = "Move along each latent dimension, and see what it does."
needs = (Decodes,)
MOST = 512  # sliders that a page may ask for
FARTHEST = 1e6


class Slider(NamedTuple):
    """One latent dimension."""

    key: str  # "z:3", its place in the flattened latent
    name: str
    low: float
    high: float
    value: float
    weight: str  # how informative it is, in words


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"sliders": sliders, "move": move}


def sliders(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """The sliders of one latent, at one cell of a map, and which latents there are."""
    posterior = (yield from opened.posterior()) if has(opened.model, Encodes) else None
    start, names = begun(opened, question), latents(opened)
    name = question.text("latent", "") if question.text("latent", "") in names else names[0]
    shape = opened.model.latents[name].shape
    grid = shape[1:] if len(shape) == 3 else ()
    cell = [question.whole(side, 0, most - 1, most // 2) for side, most in zip(("row", "column"), grid, strict=False)]
    numbers = np.arange(prod(shape)).reshape(shape or (1,))
    numbers = numbers[:, cell[0], cell[1]] if grid else numbers.flatten()
    order, words = ordered(opened, posterior, name)
    chosen_ones = sorted(numbers.tolist(), key=lambda number: order[number])
    shown = chosen_ones[: question.whole("most", 1, MOST, 16)]
    seen = _seen(opened, posterior, name)
    return {
        "sliders": [_slider(opened, seen, name, number, start[name], words)._asdict() for number in shown],
        "total": len(chosen_ones),
        "latents": [{"name": one, "shape": opened.model.latents[one].shape} for one in names],
        "latent": name,
        "grid": grid,
        "cell": cell,
        "ordered": bool(words),
        "kind": opened.model.latents[name].kind,
        "samples": has(opened.model, Samples),
    }


def move(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The image of the code as it is moved."""
    return {"image": drawn(opened.decode(code(opened, question)))[0]}


def code(opened: OpenedRun, question: Question) -> Code:
    """The code that is begun with, with the moved numbers in place; of a hierarchy the level that is moved and those
    above it."""
    whole, name = dict(begun(opened, question)), question.text("latent", "")
    for key, value in question.numbers("moves", MOST, -FARTHEST, FARTHEST).items():
        latent, _, number = key.partition(":")
        if (
            latent not in whole
            or not (number.isascii() and number.isdecimal())
            or int(number[:20]) >= whole[latent][0].numel()
        ):
            raise Refusal(f'this model\'s code has no number "{key[:40]}"; reload the page')
        moved = whole[latent].clone(memory_format=torch.contiguous_format)
        moved.view(-1)[int(number)] = value
        whole[latent] = moved
    if has(opened.model, HasLevels):
        levels = need(opened.model, HasLevels).levels()
        lowest = levels.index(name) if name in levels else len(levels) - 1
        return {level: whole[level] for level in levels[lowest:] if level in whole}
    return whole


def begun(opened: OpenedRun, question: Question) -> Code:
    """The code of the image, or with a seed a draw of the prior; always that where nothing is encoded."""
    if question.has("seed") or not has(opened.model, Encodes):
        seed = question.whole("seed", 0, 2**31, 0)
        prior = need(opened.model, Samples)
        return opened.once(("prior", seed), lambda: prior.sample_prior(1, opened.generator(seed)))
    return opened.code(chosen(opened, question))


def latents(opened: OpenedRun) -> list[str]:
    """Those that may be moved by themselves, first; of a hierarchy all levels, from the top."""
    if has(opened.model, HasLevels):
        return list(reversed(need(opened.model, HasLevels).levels()))
    return list(free(opened.model, {name: torch.empty(0) for name in opened.model.latents}))


def ordered(opened: OpenedRun, posterior: Posterior | None, name: str) -> tuple[dict[int, int], dict[int, str]]:
    """The rank of each number of a latent and how informative it is, by KL or variance over some images of the data; by
    number, without words, where nothing is encoded."""
    if posterior is None:
        return {number: number for number in range(prod(opened.model.latents[name].shape))}, {}

    def found() -> tuple[dict[int, int], dict[int, str]]:
        every, measure = axes(posterior)
        own = [axis for axis in every if axis.latent == name]
        return {axis.number: rank for rank, axis in enumerate(own)}, {a.number: measure.format(a.weight) for a in own}

    return opened.once(("order", name), found)


def _slider(opened: OpenedRun, seen: Tensor, name: str, number: int, start: Tensor, words: dict[int, str]) -> Slider:
    latent = opened.model.latents[name]
    value = float(start.flatten()[number])
    stops = stops_of(latent.kind, seen[:, number])
    low, high = min(stops[0], value), max(stops[-1], value)
    index = ",".join(map(str, np.unravel_index(number, latent.shape))) if latent.shape else ""
    return Slider(f"{name}:{number}", f"{name}[{index}]", low, max(high, low + 1e-3), value, words.get(number, ""))


def _seen(opened: OpenedRun, posterior: Posterior | None, name: str) -> Tensor:
    """[n, numbers] of that latent in the codes of some images, or in draws of the prior."""

    def values() -> Tensor:
        if posterior is not None:
            return posterior.mode()[name].flatten(1).float().cpu()
        return need(opened.model, Samples).sample_prior(64, opened.generator(0))[name].flatten(1).float().cpu()

    return opened.once(("seen", name), values)
