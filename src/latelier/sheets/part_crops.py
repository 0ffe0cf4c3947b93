"""What each part fires at: the crops of images where it is most probable (Gupta et al. 2020, figure 4).

A crop is the cell and one more on every side. The model itself sees more: a cell of resnet9's trunk takes in 115 x 115
pixels, which is all of a small image, and a crop of that would show nothing."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import HasParts
from latelier.sheets.parts import caption_of, most_used, parts_of
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels

needs = (HasParts,)
IMAGES = 2000
ROWS, CROPS = 12, 12  # parts, and crops of each, at most


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: a row a part, the crop of its highest probability first."""
    occurrence = parts_of(view).occurrence
    n, p, h, w = occurrence.shape
    order = most_used(occurrence)[:ROWS]
    images = pixels(view.image)
    height, width, _ = crop(images[0], 0, 0, (h, w)).shape
    most = min(CROPS, fitting(width, height))

    def cells(part: int) -> list[Cell]:
        return [
            Cell(crop(images[i], row, column, (h, w)), f"{probability:.2f}\n{view.label[i]}".strip())
            for i, row, column, probability in strongest(occurrence[:, part], most)
        ]

    footer = (
        f"Each row: where one part is most probable in {n} images, in falling order, at most one crop an image; "
        f"beneath, that probability{' and the class of the image' if any(view.label) else ''}. A crop is the cell "
        f"in its middle, one of {h} x {w}, with one cell on every side; beyond the border of an image its edge is "
        f"repeated. Shown are {len(order)} of {p} parts, those of the highest peak first: the peak is the greatest "
        "probability in an image, the mean that over all cells, both averaged over all images."
    )
    captions = [caption_of(occurrence, part) for part in order]
    return compose(f"{view.title}: part crops", [[Grid([cells(part) for part in order], captions)]], footer)


def strongest(probability: Tensor, most: int) -> list[tuple[int, int, int, float]]:
    """probability [n, h, w] of one part -> (image, row, column, probability), its best cell in each image, the
    highest first, of at most this many images; the first of equals."""
    peak, cell = probability.flatten(1).max(1)
    order: list[int] = peak.argsort(descending=True, stable=True)[:most].tolist()
    across = probability.shape[2]
    return [(i, int(cell[i]) // across, int(cell[i]) % across, float(peak[i])) for i in order]


def crop(pixels: np.ndarray, row: int, column: int, grid: tuple[int, int]) -> np.ndarray:
    """uint8 [3 cells, 3 cells, c] of an image uint8 [h, w, c]: a cell of the grid (rows, columns) over it, and one
    cell on every side."""
    height, width = (max(1, round(side / cells)) for side, cells in zip(pixels.shape, grid, strict=False))
    around = np.pad(pixels, ((height, height), (width, width), (0, 0)), mode="edge")
    y, x = (cell * side // cells for cell, side, cells in zip((row, column), pixels.shape, grid, strict=False))
    return around[y : y + 3 * height, x : x + 3 * width]
