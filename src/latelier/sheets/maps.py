"""Small plots of the size of a sheet's cell: a map of means, curves, a bar, a swatch of colour."""

import numpy as np
from PIL import Image, ImageDraw

from latelier.sheets.sheet import CELL, FRAME, INK

NOWHERE = (225, 225, 225)  # where nothing is known
FINE = 4  # lines are drawn this many times as large and averaged
THREE = ((214, 39, 40), (44, 160, 44), (31, 119, 180))  # red, green, blue: square, oval and heart of the source


def colours_of(number: int) -> np.ndarray:
    """uint8 [number, 3]."""
    from matplotlib import colormaps

    if number <= len(THREE):
        return np.array(THREE[:number], np.uint8)
    ramp = colormaps["tab10" if number <= 10 else "turbo"]
    found = ramp(np.arange(number) if number <= 10 else np.linspace(0, 1, number))
    return np.round(255 * found[:, :3]).astype(np.uint8)


def heat(means: np.ndarray, span: float) -> np.ndarray:
    """means [rows, columns] -> uint8 [rows, columns, 3]: -span blue, 0 white, span red, not a number grey."""
    share = np.nan_to_num(np.clip(means / span, -1, 1))[..., None]
    red, blue = np.array([178, 24, 43]), np.array([33, 102, 172])
    colour = 255 + np.abs(share) * (np.where(share > 0, red, blue) - 255)
    return np.where(np.isnan(means)[..., None], NOWHERE, np.round(colour)).astype(np.uint8)


def curves(means: np.ndarray, span: float, colours: np.ndarray) -> np.ndarray:
    """means [curves, points] -> uint8 [CELL, CELL, 3]: a line a curve from -span below to span above, over a line at
    0. A point that is not a number breaks its line."""
    side = CELL * FINE
    drawn = Image.new("RGB", (side, side), (255, 255, 255))
    pen = ImageDraw.Draw(drawn)
    pen.line([(0, side / 2), (side, side / 2)], FRAME, FINE)
    x = np.linspace(3 * FINE, side - 3 * FINE, max(2, means.shape[1]))
    y = side / 2 - np.clip(means / span, -1, 1) * (side / 2 - 2 * FINE)
    for line, colour in zip(y, colours, strict=True):
        for i in range(len(line) - 1):
            if not np.isnan(line[i : i + 2]).any():
                pen.line([(x[i], line[i]), (x[i + 1], line[i + 1])], tuple(colour.tolist()), 6)
    return np.asarray(drawn.resize((CELL, CELL), Image.Resampling.BOX))


def bar(share: float) -> np.ndarray:
    """uint8 [10, CELL, 3], filled from the left by that share."""
    drawn = np.full((10, CELL, 3), 255, np.uint8)
    drawn[:, : round(CELL * min(1.0, share))] = INK
    return drawn


def swatch(colour: np.ndarray) -> np.ndarray:
    """uint8 [10, CELL, 3] of one colour."""
    return np.broadcast_to(colour, (10, CELL, 3)).astype(np.uint8)
