"""Pictures with an attribute added: original, reconstruction, edited (IntroVAC, figures 4-6)."""

from collections.abc import Mapping

import numpy as np
import torch

from latelier.core import Decodes, Encodes, need
from latelier.editing import Editor, wishes_of
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, place
from latelier.pictures.sheet import Cell, Grid, compose, fitting, signed
from latelier.pictures.view import View, directions_of, pixels

needs = (Encodes, Decodes)
TAKES = ("attribute", "by")
ATTRIBUTES = 3  # shown where none is named: each alone, then two at once
ALONE, TOGETHER = 4.0, 5.0  # steps along learned directions: the source's for one attribute of two, and for both
FITTED = 3.0  # along fitted ones, as latelier edit goes


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each attribute pictures that lack it, their reconstructions, and these with it. Raises
    Refusal where nothing is known of attributes."""
    found = directions_of(view, "edits")
    names = [name for name in found.attributes if name != FAKE][:ATTRIBUTES]
    asked = [wishes_of(view.asked.attribute)] if view.asked.attribute else [{name: 1} for name in names]
    if not view.asked.attribute and len(names) > 1:
        asked.append(dict.fromkeys(names[:2], 1))
    bands = [[grid] for wishes in asked if (grid := _grid(view, wishes)) is not None]
    footer = (
        f"Each picture's code is moved along {found.said} (in {found.unit}) and drawn again. Under each edited picture "
        "the log-odds that the classifier gives the attribute, of the reconstruction and of what was drawn, both "
        "encoded again. "
        "Shown are pictures in whose code the classifier does not find what is asked for."
    )
    return compose(f"{view.title}: edits", bands, footer)


def _grid(view: View, wishes: Mapping[str, int]) -> Grid | None:
    directions, encoder = directions_of(view, "edits").directions, need(view.model, Encodes)
    columns = [place(directions, name) for name in wishes]
    odds = log_odds(directions, encoder.encode(view.image).mode())[:, columns]
    value = torch.tensor(list(wishes.values()), device=odds.device) == 1
    rows = ((odds > 0) != value).any(1).nonzero()[:, 0].tolist() or list(range(len(view.image)))
    rows = rows[: fitting(view.image.shape[3], view.image.shape[2])]
    usual = FITTED if directions.step else ALONE if len(wishes) == 1 else TOGETHER
    by = usual if view.asked.by is None else view.asked.by
    done = Editor(view.model, directions, wishes).by(view.image[rows], by)
    before = log_odds(directions, encoder.encode(done.again).mode())[:, columns]
    notes = [
        ", ".join(f"{signed(a, '.1f')} → {signed(b, '.1f')}" for a, b in zip(*pair, strict=True))
        for pair in zip(before.tolist(), done.seen.tolist(), strict=True)
    ]
    said = ", ".join(name if wish else f"no {name}" for name, wish in wishes.items())
    cells = [
        [Cell(drawn) for drawn in pixels(view.image[rows])],
        [Cell(drawn) for drawn in pixels(done.again)],
        [Cell(drawn, note) for drawn, note in zip(pixels(done.image), notes, strict=True)],
    ]
    captions = ["original", "reconstruction", f"{said}, by {signed(by)}"]
    return Grid(cells, captions, [view.caption(row) for row in rows], said)
