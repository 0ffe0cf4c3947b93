"""Many small images as one: mosaics, alone or side by side under headings, for sheets and recipes."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt

import numpy as np

from latelier.sheets.sheet import CELL, GAP, MARGIN, WIDEST, Panel, compose, resized

WIDTH = 1120  # px of a mosaic that has a sheet to itself


def mosaic(images: np.ndarray, across: int, *, width: int = WIDTH, gap: int = 0) -> np.ndarray:
    """uint8 [H, W, 3] of images uint8 [n, h, w, c] in rows of ``across``, ``gap`` px of white between them. Each is
    magnified by a whole factor to at most 96 px, or reduced by one, so that all fit into ``width`` px."""
    n, h, w, _ = images.shape
    room = (width - gap * (across - 1)) // across
    times, part = min(CELL // max(h, w), room // w), ceil(w / max(1, room))
    size = (w * times, h * times) if times >= 1 else (ceil(w / part), ceil(h / part))
    down = ceil(n / across)
    page = np.full((down * (size[1] + gap) - gap, across * (size[0] + gap) - gap, 3), 255, np.uint8)
    for place, image in enumerate(images):
        y, x = place // across * (size[1] + gap), place % across * (size[0] + gap)
        page[y : y + size[1], x : x + size[0]] = np.asarray(resized(image, size))
    return page


def side_by_side(title: str, bands: Sequence[Mapping[str, np.ndarray]], footer: str, *, gap: int = 1) -> np.ndarray:
    """uint8 [H, W, 3]: one sheet of mosaics as square as can be. A band maps headings to images uint8 [n, h, w, c] and
    stands side by side; bands stand below each other.

    Samples of four models are one band, ``[{"2 numbers": a, "5 numbers": b, ...}]``; samples and reconstructions of two
    models are two, ``[{"ELBO: samples": a, "ELBO: reconstructions": b}, {"MMD: samples": c, ...}]``."""
    most = max(len(band) for band in bands)
    width = (WIDEST - 2 * MARGIN - 3 * GAP * (most - 1)) // most
    panels = [
        [
            Panel(mosaic(images, ceil(sqrt(len(images))), width=min(width, WIDTH), gap=gap), heading)
            for heading, images in band.items()
        ]
        for band in bands
    ]
    return compose(title, panels, footer)


def stacked(sheets: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 [H, W, 3]: sheets below each other, white to the right of those that are narrower than the widest."""
    widest = max(sheet.shape[1] for sheet in sheets)
    padded = [np.pad(s, ((0, 0), (0, widest - s.shape[1]), (0, 0)), constant_values=255) for s in sheets]
    return np.concatenate(padded)
