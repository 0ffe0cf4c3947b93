"""What each unit of the first layer looks for: its weights as a small image."""

from math import ceil, sqrt

import numpy as np
import torch
from torch import Tensor

from latelier.core import HasFilters, need
from latelier.sheets.figures import mosaic
from latelier.sheets.sheet import Panel, compose
from latelier.sheets.view import View, pixels

needs = (HasFilters,)
MOST = 100


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: the filters of the first units, row by row."""
    weights = need(view.model, HasFilters).filters()
    shown = weights[:MOST]
    drawn = mosaic(as_images(shown), ceil(sqrt(len(shown))), gap=3)
    _, _, h, w = shown.shape
    count = f"the first {len(shown)} of {len(weights)}" if len(weights) > len(shown) else f"all {len(shown)}"
    footer = (
        f"The weights of {count} units of the first layer, {h} x {w} numbers a channel. Each is scaled by itself: mid "
        "grey is 0, white its greatest weight in magnitude and black minus that (in each channel). Strength "
        "cannot be compared between units."
    )
    return compose(f"{view.title}: filters", [[Panel(drawn)]], footer)


def as_images(filters: Tensor) -> np.ndarray:
    """uint8 [n, h, w, c] of weights [n, c, h, w]: 128 is 0, and +-max |weight| of that filter are 255 and 0."""
    size = filters.abs().amax((1, 2, 3), keepdim=True)
    return pixels(0.5 + 0.5 * filters / size.where(size > 0, 1))
