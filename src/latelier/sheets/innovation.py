"""Real images changed by one entry of the top code, all else kept (HALI, section 6.3 and figure 5)."""

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.core import Code, Decodes, Encodes, HasLevels, need
from latelier.sheets.level_traverse import multiplied
from latelier.sheets.sheet import Cell, Grid, compose, signed
from latelier.sheets.view import View, pixels

needs = (HasLevels, Encodes, Decodes)
ENTRIES, IMAGES_EACH = 3, 4  # at most
SCALES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each of the entries that change the images most, a row an image and a column a factor."""
    image = view.image[:IMAGES_EACH]
    codes = need(view.model, Encodes).encode(image).mode()
    chosen, top = strongest(view, codes), need(view.model, HasLevels).levels()[-1]
    original, lowest = pixels(image), need(view.model, HasLevels).levels()[0]

    def grid(entry: int) -> Grid:
        drawn = [pixels(changed(view, codes, entry, scale)) for scale in SCALES]
        value = codes[top].flatten(1)[:, entry].tolist()
        cells = [
            [Cell(original[i]), *(Cell(drawn[j][i], marked=scale == 1) for j, scale in enumerate(SCALES))]
            for i in range(len(image))
        ]
        rows = [f"{view.caption(i)}\n{top}[{entry}] = {signed(value[i], '.2f')}" for i in range(len(image))]
        return Grid(cells, rows, ["original", *(f"×{signed(scale)}" for scale in SCALES)], heading=f"{top}[{entry}]")

    footer = (
        f"The entry of {top} is multiplied; what that changes in the mean of {lowest} is added to the image's own "
        f"{lowest}, from which the image is drawn. Times 1 (framed) is therefore its reconstruction from {lowest}, "
        f"and an entry near 0 changes little. Shown are {len(chosen)} of {codes[top][0].numel()} entries, those that "
        f"change these {len(image)} images most at times {signed(SCALES[0])}."
    )
    return compose(f"{view.title}: innovation", [[grid(entry)] for entry in chosen], footer)


def innovation(model: HasLevels, code: Code, entry: int, scale: float, generator: Generator | None = None) -> Tensor:
    """eta = z1~(z2) - z1~(z2 with ``entry`` times ``scale``), of the lowest level's shape; the image's own z1 less
    eta is what is drawn.

    z1~ are means; with a generator draws, both with the same noise, so that a scale of 1 gives exactly zero.
    """
    lowest, top = model.levels()[0], model.levels()[-1]
    again = generator.clone_state() if generator is not None else None
    before = model.fill({top: code[top]}, again)[lowest]
    return before - model.fill({top: multiplied(code[top], entry, scale)}, generator)[lowest]


def changed(view: View, code: Code, entry: int, scale: float) -> Tensor:
    """[b, c, h, w], drawn from the lowest level after the innovation."""
    model = need(view.model, HasLevels)
    lowest = model.levels()[0]
    return need(view.model, Decodes).decode({lowest: code[lowest] - innovation(model, code, entry, scale)})


def strongest(view: View, code: Code) -> list[int]:
    """The entries of the top level that change the images most at the first of the scales, in squared error."""
    here, top = changed(view, code, 0, 1.0), need(view.model, HasLevels).levels()[-1]
    moves = [(changed(view, code, entry, SCALES[0]) - here).square().mean() for entry in range(code[top].shape[1])]
    order: list[int] = torch.stack(moves).argsort(descending=True, stable=True).tolist()
    return order[:ENTRIES]
