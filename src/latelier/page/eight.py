"""Eight images for a page's first screen: originals above their reconstructions, or what the prior draws."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from latelier.core import Decodes, Encodes, Model, Samples, missing, need
from latelier.sheets.sheet import png, resized
from latelier.sheets.view import View, pixels

COUNT = 8
GAP = 1 / 16  # of an image's height
LARGEST = 256  # size in px


class Eight(NamedTuple):
    """A few images of the first screen."""

    title: str
    caption: str
    pngs: Sequence[bytes]
    each: str  # what one of them shows, for who cannot see it


@torch.no_grad()
def eight(view: View) -> Eight | None:
    """Of the view's first images, none chosen by hand; none for a model that neither reconstructs nor draws."""
    if not missing(view.model, (Encodes, Decodes)):
        image = view.image[:COUNT]
        again = need(view.model, Decodes).decode(need(view.model, Encodes).encode(image).mode())
        said = "Above: images. Below: what the model draws from their codes. None chosen by hand."
        pairs = [_beside(one, other) for one, other in zip(pixels(image), pixels(again), strict=True)]
        return Eight("Reconstructions", said, [png(pair) for pair in pairs], "An image above its reconstruction")
    if not missing(view.model, (Samples, Decodes)):
        drawn = pixels(_drawn(view.model, view.generator))
        said = "Drawn by the model from random codes. None chosen by hand."
        return Eight("Samples", said, [png(i) for i in drawn], "An image drawn from a random code")
    return None


def _drawn(model: Model, generator: torch.Generator) -> torch.Tensor:
    return need(model, Decodes).decode(need(model, Samples).sample_prior(COUNT, generator))


def _beside(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 4]: one above the other, and nothing in between."""
    height, width, _ = one.shape
    part = max(1.0, max(height, width) / LARGEST)
    size = (round(width / part), round(height / part))
    colours = [np.asarray(resized(shown, size)) for shown in (one, other)]
    solid = [np.concatenate([colour, np.full_like(colour[..., :1], 255)], 2) for colour in colours]
    gap = np.zeros((max(1, round(GAP * size[1])), size[0], 4), np.uint8)
    return np.concatenate([solid[0], gap, solid[1]])
