"""Images with an attribute added: original, reconstruction, edited (IntroVAC, figures 4-6)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from latelier.core import Decodes, Directions, Encodes, Model, need
from latelier.objectives.attributes import FAKE
from latelier.objectives.directions import log_odds, place, step_towards
from latelier.sheets.sheet import Cell, Grid, compose, fitting, signed
from latelier.sheets.view import View, directions_of, pixels
from latelier.uses.editing import Editor, wishes_of
from latelier.uses.judging import Witness

needs = (Encodes, Decodes)
TAKES = ("attribute", "by")
ATTRIBUTES = 3  # shown where none is named: each alone, then two at once
ALONE, TOGETHER = 4.0, 5.0  # steps along learned directions: the source's for one attribute of two, and for both
FITTED = 3.0  # along fitted ones, as latelier edit goes


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each attribute images that lack it, their reconstructions, and these with it. Raises
    Refusal where nothing is known of attributes."""
    found = directions_of(view, "edits")
    names = [name for name in found.attributes if name != FAKE][:ATTRIBUTES]
    groups = [wishes_of(view.options.attribute)] if view.options.attribute else [{name: 1} for name in names]
    if not view.options.attribute and len(names) > 1:
        groups.append(dict.fromkeys(names[:2], 1))
    for wishes in groups:
        step_towards(found.directions, wishes)  # an unknown attribute is refused before a judge learns
    judge = view.judge(list(dict.fromkeys(name for wishes in groups for name in wishes))) if view.judge else None
    readers = [_reader(view.model, found.directions, wishes, judge) for wishes in groups]
    bands = [[_grid(view, wishes, reader)] for wishes, reader in zip(groups, readers, strict=True)]
    footer = [
        f"Each image's code is moved along {found.said} (in {found.unit}) and drawn again. Under each edited image "
        "what is asked for, in the reconstruction and in the image drawn:"
    ]
    if judge is not None:
        footer.append(f"its probability, {judge.said};")
    if any(reader.own for reader in readers):
        footer.append("log-odds by the model's own classifier, of both encoded again, where no judge is at hand;")
    footer[-1] = footer[-1].removesuffix(";") + "."
    footer.append("Shown are images whose reconstruction lacks it by that.")
    return compose(f"{view.title}: edits", bands, " ".join(footer))


class _Reader(NamedTuple):
    """What tells whether an image shows what is wished for."""

    own: bool  # by the model's own classifier, whose verdict a move along its direction may change unseen
    wished: Tensor  # bool [w]
    even: float  # beyond which it is there
    read: Callable[[Tensor], Tensor]  # images [b, c, h, w] -> [b, w]

    def lacking(self, image: Tensor) -> Tensor:
        """bool [b]."""
        return ((self.read(image).cpu() > self.even) != self.wished).any(1)

    def notes(self, before: Tensor, after: Tensor) -> list[str]:
        """A line for each of two blocks of images."""
        pairs = zip(self.read(before).tolist(), self.read(after).tolist(), strict=True)
        return [", ".join(map(self._note, *pair)) for pair in pairs]

    def _note(self, a: float, b: float) -> str:
        return f"{signed(a, '.1f')} → {signed(b, '.1f')}" if self.own else f"{100 * a:.0f} → {100 * b:.0f} %"


def _reader(model: Model, directions: Directions, wishes: Mapping[str, int], judge: Witness | None) -> _Reader:
    """The judge, of those wishes that it knows; where it knows none, the model's own classifier, of images that are
    encoded again."""
    if judge is not None and (known := [name for name in wishes if name in judge.names]):
        wished = torch.tensor([wishes[name] == 1 for name in known])
        return _Reader(False, wished, 0.5, lambda image: judge(image)[:, [judge.names.index(name) for name in known]])
    columns = [place(directions, name) for name in wishes]
    wished = torch.tensor([wish == 1 for wish in wishes.values()])
    encoder = need(model, Encodes)
    return _Reader(True, wished, 0.0, lambda image: log_odds(directions, encoder.encode(image).mode())[:, columns])


def _grid(view: View, wishes: Mapping[str, int], reader: _Reader) -> Grid:
    directions = directions_of(view, "edits").directions
    usual = FITTED if directions.step else ALONE if len(wishes) == 1 else TOGETHER
    by = usual if view.options.by is None else view.options.by
    editor = Editor(view.model, directions, wishes)
    rows = reader.lacking(editor.by(view.image, 0.0).image).nonzero()[:, 0].tolist() or list(range(len(view.image)))
    rows = rows[: fitting(view.image.shape[3], view.image.shape[2])]
    done = editor.by(view.image[rows], by)
    notes = reader.notes(done.again, done.image)
    said = ", ".join(name if wish else f"no {name}" for name, wish in wishes.items())
    cells = [
        [Cell(drawn) for drawn in pixels(view.image[rows])],
        [Cell(drawn) for drawn in pixels(done.again)],
        [Cell(drawn, note) for drawn, note in zip(pixels(done.image), notes, strict=True)],
    ]
    captions = ["original", "reconstruction", f"{said}, by {signed(by)}"]
    return Grid(cells, captions, [view.caption(row) for row in rows], said)
