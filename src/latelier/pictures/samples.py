"""Images drawn from the prior, beside as many real ones."""

import numpy as np
import torch

from latelier.core import Decodes, Samples, need
from latelier.pictures.sheet import Cell, Grid, compose, fitting
from latelier.pictures.view import View, pixels

needs = (Samples, Decodes)
ROWS = 8  # at most


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: decodes of codes drawn from the prior on the left, pictures of the data on the right."""
    height, width = view.image.shape[2:]
    across = fitting(width, height, grids=2)
    real = view.image[: ROWS * across]
    code = need(view.model, Samples).sample_prior(len(real), view.generator)
    drawn = need(view.model, Decodes).decode(code)

    def grid(images: np.ndarray, heading: str) -> Grid:
        starts = range(0, len(images), across)
        return Grid([[Cell(image) for image in images[i : i + across]] for i in starts], heading=heading)

    band = [grid(pixels(drawn), "drawn by the model"), grid(pixels(real), "pictures of the data")]
    footer = (
        f"Left: {len(real)} mean images decoded from codes drawn at random from the prior, none chosen by hand. "
        "Right: as many pictures of the data, for comparison; the two sides are not paired."
    )
    return compose(f"{view.title}: samples", [band], footer)
