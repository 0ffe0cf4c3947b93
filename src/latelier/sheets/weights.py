"""What the foreground-weighted reconstruction looks at: images above their weights (Gupta et al. 2020, figure 6)."""

import numpy as np
import torch
from torch import Tensor

from latelier.objectives.foreground import PATCH, weights
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels

needs = ()
ON_REQUEST = True  # it shows the images, not the model
BANDS = 3  # at most this many pairs of rows


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: images of the data above the weights of their pixels."""
    across = fitting(view.image.shape[3], view.image.shape[2])
    image = view.image[: BANDS * across]
    mask = weights(image).mean(1, keepdim=True)
    before, after = pixels(image), pixels(mask / mask.amax((1, 2, 3), keepdim=True))

    def band(rows: range) -> Grid:
        return Grid(
            cells=[[Cell(before[i]) for i in rows], [Cell(after[i], _range(mask[i])) for i in rows]],
            rows=["original", "weights"],
            columns=[view.caption(i) for i in rows],
        )

    starts = range(0, len(image), across)
    bands = [[band(range(start, min(start + across, len(image))))] for start in starts]
    footer = (
        "How much each pixel counts in a foreground-weighted error (L_w): the strength of edges, the Laplacian's "
        f"magnitude, in its patch of {PATCH} x {PATCH} pixels, scaled to average 1 in each image and channel. Drawn "
        "is the mean over the channels, black 0 and white the greatest of its image; beneath, the least and the "
        f"greatest. Over these {len(image)} images: {_range(mask)}. An image without edges weighs 1 everywhere."
    )
    return compose(f"{view.title}: weights", bands, footer)


def _range(mask: Tensor) -> str:
    return f"{mask.min():.2f} to {mask.max():.2f}"
