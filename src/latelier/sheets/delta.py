"""One attribute by degrees: images whose codes are moved from away to towards it."""

import numpy as np
import torch

from latelier.core import Decodes, Encodes, need
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, moved, place, step_towards
from latelier.sheets.sheet import Cell, Grid, compose, signed
from latelier.sheets.view import View, directions_of, pixels
from latelier.uses.editing import wishes_of

needs = (Encodes, Decodes)
TAKES = ("attribute", "by")
ATTRIBUTES, ROWS = 3, 4  # at most; rows an attribute
STOPS, FARTHEST = 9, 6.0


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each attribute a row an image, and columns from minus to plus. Raises Refusal where nothing
    is known of attributes."""
    found = directions_of(view, "delta")
    wishes = wishes_of(view.options.attribute) if view.options.attribute else {}
    names = list(wishes) or [name for name in found.attributes if name != FAKE][:ATTRIBUTES]
    most = FARTHEST if view.options.by is None else abs(view.options.by)
    stops, image = np.linspace(-most, most, STOPS).tolist(), view.image[:ROWS]
    code, original = need(view.model, Encodes).encode(image).mode(), pixels(image)
    before = log_odds(found.directions, code)

    def grid(name: str) -> Grid:
        step = step_towards(found.directions, {name: 1})
        drawn = [pixels(need(view.model, Decodes).decode(moved(code, step, stop))) for stop in stops]
        cells = [
            [Cell(original[i]), *(Cell(frames[i], marked=stop == 0) for frames, stop in zip(drawn, stops, strict=True))]
            for i in range(len(image))
        ]
        odds = before[:, place(found.directions, name)].tolist()
        rows = [f"{view.caption(i)}\nlog-odds {signed(odds[i], '.1f')}" for i in range(len(image))]
        return Grid(cells, rows, ["original", *(signed(stop, "+.3g") if stop else "0" for stop in stops)], heading=name)

    footer = (
        f"Each image's code is moved along {found.said}, by the number above the column (in {found.unit}); at 0 "
        "(framed) it is the reconstruction. Left of a row the log-odds that the classifier gives the image's own "
        "code."
    )
    return compose(f"{view.title}: delta", [[grid(name)] for name in names], footer)
