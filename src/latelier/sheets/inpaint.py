"""What the model fills in where pixels are missing (HALI, section 6.1 and figure 4)."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import Imputes
from latelier.data import masks
from latelier.objectives import impute
from latelier.scores.reconstruction import psnr
from latelier.sheets.reconstruct import decibels
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels

needs = (Imputes,)
MISSING = (150, 180, 235)  # a colour that grey images do not have


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each kind of mask the images, what is known of them, and the same filled in."""
    height, width = view.image.shape[2:]
    image = view.image[: fitting(width, height)]
    bands = [[_grid(view, image, name)] for name in masks.MASKS]
    footer = (
        "What is missing (blue) is filled in from what is known, whose pixels stay as they are. Under each image the "
        "PSNR over its missing pixels, beside the original's: higher is closer, though a good filling may differ. "
        "Masks: the middle half of each side; the right half; a random half of the pixels."
    )
    return compose(f"{view.title}: inpainting", bands, footer)


def _grid(view: View, image: Tensor, mask: str) -> Grid:
    known = masks.make(mask, tuple(image.shape), view.generator).expand_as(image)
    filled = impute.filled(view.model, image, known.to(image), view.generator)
    hidden = [(~one).nonzero(as_tuple=True) for one in known]
    quality = [
        float(psnr(before[where][None], after[where][None]))
        for before, after, where in zip(image, filled, hidden, strict=True)
    ]
    cells = [
        [Cell(drawn) for drawn in pixels(image)],
        [Cell(drawn) for drawn in masked(image, known)],
        [Cell(drawn, decibels(ratio)) for drawn, ratio in zip(pixels(filled), quality, strict=True)],
    ]
    columns = [view.caption(i) for i in range(len(image))]
    return Grid(cells, ["original", "known", "filled in"], columns, f"mask: {mask}")


def masked(image: Tensor, known: Tensor) -> np.ndarray:
    """uint8 [n, h, w, 3]: the images with what is not ``known`` in the colour of what is missing."""
    drawn = np.broadcast_to(pixels(image), (len(image), *image.shape[2:], 3))
    kept = known[:, :1].permute(0, 2, 3, 1).cpu().numpy()
    return np.where(kept, drawn, np.array(MISSING, np.uint8))
