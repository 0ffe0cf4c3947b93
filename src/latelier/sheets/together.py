"""Several models on the same images, one row a model: the sheet of ``latelier compare``."""

from collections.abc import Sequence

import numpy as np
import torch

from latelier.core import Decodes, Encodes, need
from latelier.sheets.reconstruct import mean_psnr
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels


@torch.no_grad()
def draw_together(views: Sequence[View]) -> np.ndarray:
    """uint8 [H, W, 3]: the first view's images, below them each model's reconstruction of its own view's. All views
    show the same images, though perhaps at the sizes of their models."""
    first = views[0]
    count = min(
        *(len(view.image) for view in views), *(fitting(view.image.shape[3], view.image.shape[2]) for view in views)
    )
    rows, captions = [[Cell(image) for image in pixels(first.image[:count])]], ["original"]
    for view in views:
        image = view.image[:count]
        again = need(view.model, Decodes).decode(need(view.model, Encodes).encode(image).mode())
        rows.append([Cell(drawn) for drawn in pixels(again)])
        captions.append(f"{view.title}\nPSNR {mean_psnr(image, again)}")
    columns = [first.caption(i) for i in range(count)]
    footer = "Each row draws the same images again from one run's codes; its PSNR is the mean over this row."
    return compose("Reconstructions side by side", [[Grid(rows, captions, columns)]], footer)
