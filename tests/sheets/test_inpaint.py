"""The sheet of what is filled in."""

import numpy as np
import torch
from sheets.fakes import Stacked, view
from sheets.found import places
from torch import Generator, Tensor

from latelier.data.masks import MASKS, make
from latelier.objectives import impute
from latelier.sheets.inpaint import MISSING, draw, masked
from latelier.sheets.view import pixels


class Watched(Stacked):
    """Keeps the masks it was given."""

    masks: tuple[Tensor, ...] = ()

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        self.masks += (known,)
        return super().impute(image, known, generator)


def test_each_mask_shows_original_known_and_filled() -> None:
    model = Watched((1, 8, 8))
    shown = view(model, n=2)
    sheet = draw(shown)
    assert [mask.shape for mask in model.masks] == [shown.image.shape] * len(MASKS)
    for place, known in enumerate(tuple(model.masks)):
        filled = impute.filled(model, shown.image, known, shown.generator)
        rows = (pixels(shown.image)[0], masked(shown.image, known.bool())[0], pixels(filled)[0])
        tops = [places(sheet, one)[-1 if place else 0][0] for one in rows[1:]]
        assert tops == sorted(tops)
        assert len(places(sheet, rows[0])) == len(MASKS)
    generator = Generator().manual_seed(0)
    for name, known in zip(MASKS[:2], model.masks, strict=False):
        assert torch.equal(known.bool(), make(name, tuple(shown.image.shape), generator).expand_as(known))


def test_what_is_missing_has_a_colour_of_its_own() -> None:
    image, known = torch.rand(2, 1, 4, 6), torch.rand(2, 1, 4, 6) > 0.5
    drawn, kept = masked(image, known), known[:, 0].numpy()
    assert np.array_equal(drawn[kept], np.broadcast_to(pixels(image), drawn.shape)[kept])
    assert (drawn[~kept] == MISSING).all()
