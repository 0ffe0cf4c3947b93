"""What a deconvolutional decoder puts where: its lowest maps after unpooling (Pu et al. 2016, figure 1)."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import Decodes, Encodes, Unpools, need
from latelier.sheets.maps import heat
from latelier.sheets.sheet import Cell, Grid, compose
from latelier.sheets.view import View, pixels

needs = (Unpools, Encodes, Decodes)
ROWS, COLUMNS = 8, 8  # images and maps at most


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: a row an image, a column a map."""
    image = view.image[:ROWS]
    map = need(view.model, Unpools).unpooled(image)
    drawn = need(view.model, Decodes).decode(need(view.model, Encodes).encode(image).mode())
    order = strongest(map)[:COLUMNS]
    spans = map.abs().amax((0, 2, 3))
    rows = []
    for number, (one, other) in enumerate(zip(pixels(image), pixels(drawn), strict=True)):
        cells = [heat(map[number, place].cpu().numpy(), float(spans[place])) for place in order]
        rows.append([Cell(one), Cell(other), *(Cell(cell) for cell in cells)])
    columns = ["image", "drawn", *(f"map {place}" for place in order)]
    footer = (
        f"The maps, {map.shape[2]} x {map.shape[3]}, that the decoder's last dictionary turns into the image: every "
        "block has one value, at the position taken, and 0 (white) elsewhere; red is above 0 and blue below, each map "
        f"by its own greatest value. Shown are {len(order)} of {map.shape[1]}, those with the greatest squares first."
    )
    return compose(
        f"{view.title}: unpooling", [[Grid(rows, [view.caption(i) for i in range(len(rows))], columns)]], footer
    )


def strongest(map: Tensor) -> list[int]:
    """Numbers of the maps of [b, c, h, w], that of the greatest sum of squares first."""
    order: list[int] = map.square().sum((0, 2, 3)).argsort(descending=True, stable=True).tolist()
    return order
