"""Images drawn from the prior, or given attributes, beside as many real ones."""

import numpy as np
import torch
from torch import Tensor

from latelier.codes.sampling import draw_given
from latelier.core import Decodes, DrawsClasses, Samples, has, need
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, directions_of, pixels
from latelier.uses.editing import wishes_of

needs = (Samples, Decodes)
TAKES = ("given", "step", "steps", "temperature")
ROWS = 8  # at most


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: decodes of codes drawn from the prior, or given attributes, on the left, images of the data on
    the right."""
    height, width = view.image.shape[2:]
    across = fitting(width, height, grids=2)
    real = view.image[: ROWS * across]
    drawn, how = given(view, len(real)) if view.options.given else plain(view, len(real), across)

    def grid(images: np.ndarray, heading: str) -> Grid:
        starts = range(0, len(images), across)
        return Grid([[Cell(image) for image in images[i : i + across]] for i in starts], heading=heading)

    heading = f"drawn by the model: {', '.join(view.options.given)}" if view.options.given else "drawn by the model"
    band = [grid(pixels(drawn), heading), grid(pixels(real), "images of the data")]
    footer = (
        f"Left: {len(drawn)} mean images {how}, none chosen by hand. "
        "Right: as many images of the data, for comparison; the two sides are not paired."
    )
    return compose(f"{view.title}: samples", [band], footer)


def plain(view: View, n: int, across: int) -> tuple[Tensor, str]:
    """[n, c, h, w] and how they came about; of a model that draws a class that is asked for, each row of another."""
    if has(view.model, DrawsClasses):
        model = need(view.model, DrawsClasses)
        code = model.sample_class(torch.arange(n, device=view.image.device) // across % model.classes, view.generator)
        return need(view.model, Decodes).decode(code), "decoded from codes drawn for a class, each row's the next"
    prior = need(view.model, Samples)
    code = prior.sample_prior(n, view.generator)
    return need(view.model, Decodes).decode(code), f"decoded from codes drawn at random from {prior.prior_said}"


def given(view: View, n: int) -> tuple[Tensor, str]:
    """[n, c, h, w] and how they came about."""
    chain, (directions, said, _) = view.options.chain, directions_of(view, "samples --given")
    drawn = draw_given(view.model, directions, wishes_of(view.options.given), n, view.generator, chain)
    how = (
        "of codes at the end of Langevin chains that began at draws of the prior "
        f"({chain.steps:,} steps of {chain.step:g}, temperature {chain.temperature:g}), along {said}; "
        f"{drawn.kept:.0%} of the chains drew an image in which the classifier finds what was asked for, and these "
        "are shown"
    )
    return drawn.image, how
