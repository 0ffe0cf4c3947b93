"""Originals above their reconstructions, each with its PSNR."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from latelier.core import Decodes, Encodes, need
from latelier.scores.reconstruction import BEST, psnr
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels

needs = (Encodes, Decodes)
BANDS = 3  # at most this many times an original row and those below it


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: images of the data above the decodes of their most likely codes."""
    image = shown_of(view)
    again = need(view.model, Decodes).decode(need(view.model, Encodes).encode(image).mode())
    footer = (
        f"The decoder draws each image again from its most likely code. Under it its PSNR, 10 log10(1 / mean squared "
        f"error): higher is closer. Mean over these {len(image)}: {mean_psnr(image, again)}."
    )
    return compose(f"{view.title}: reconstructions", beside(view, {"reconstruction": again}), footer)


def shown_of(view: View) -> Tensor:
    """[n, c, h, w]: as many images as stand in ``BANDS`` bands."""
    height, width = view.image.shape[2:]
    return view.image[: BANDS * fitting(width, height)]


def beside(view: View, versions: Mapping[str, Tensor]) -> list[list[Grid]]:
    """Bands of the view's first images, and below each a row a version [n, c, h, w] of them, with its PSNR."""
    height, width = view.image.shape[2:]
    count, across = min(map(len, versions.values())), fitting(width, height)
    before = pixels(view.image[:count])
    after = {
        name: [Cell(drawn, decibels(ratio)) for drawn, ratio in zip(pixels(again), quality.tolist(), strict=True)]
        for name, again in versions.items()
        for quality in [psnr(view.image[:count], again)]
    }

    def band(rows: range) -> Grid:
        cells = [[Cell(before[i]) for i in rows], *([drawn[i] for i in rows] for drawn in after.values())]
        return Grid(cells, ["original", *after], [view.caption(i) for i in rows])

    return [[band(range(start, min(start + across, count)))] for start in range(0, count, across)]


def mean_psnr(image: Tensor, other: Tensor) -> str:
    """The mean of ``psnr`` in words."""
    return decibels(psnr(image, other).mean().item())


def decibels(value: float) -> str:
    """A PSNR as captions say it."""
    return "exact" if value >= BEST else f"{value:.1f} dB"
