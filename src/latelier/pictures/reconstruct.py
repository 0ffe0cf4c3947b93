"""Originals above their reconstructions, each with its PSNR."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import Decodes, Encodes, need
from latelier.pictures.sheet import Cell, Grid, compose, fitting
from latelier.pictures.view import View, pixels

needs = (Encodes, Decodes)
BANDS = 3  # at most so many pairs of rows


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: pictures of the data above the decodes of their most likely codes."""
    height, width = view.image.shape[2:]
    across = fitting(width, height)
    image = view.image[: BANDS * across]
    again = need(view.model, Decodes).decode(need(view.model, Encodes).encode(image).mode())
    quality = psnr(image, again).tolist()
    before, after = pixels(image), pixels(again)

    def band(rows: range) -> Grid:
        return Grid(
            cells=[[Cell(before[i]) for i in rows], [Cell(after[i], note=_decibels(quality[i])) for i in rows]],
            rows=["original", "reconstruction"],
            columns=[view.caption(i) for i in rows],
        )

    starts = range(0, len(image), across)
    bands = [[band(range(start, min(start + across, len(image))))] for start in starts]
    footer = (
        f"The decoder draws each picture again from its most likely code. Under it its PSNR, 10 log10(1 / mean squared "
        f"error): higher is closer. Mean over these {len(image)}: {_decibels(sum(quality) / len(quality))}."
    )
    return compose(f"{view.title}: reconstructions", bands, footer)


def psnr(image: Tensor, other: Tensor) -> Tensor:
    """[b] peak signal-to-noise ratio in dB of images [b, c, h, w] in [0, 1]; infinite where they are equal."""
    return -10 * (image - other).square().flatten(1).mean(1).log10()


def _decibels(value: float) -> str:
    return "exact" if value == float("inf") else f"{value:.1f} dB"
