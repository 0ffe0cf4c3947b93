"""What stands in a drawn scene: every number it is drawn from, as a function of (seed, row)."""

from typing import NamedTuple

import numpy as np

from latelier.data.drawn.scene_captions import Relation
from latelier.data.drawn.scene_pixels import IMAGE_FACTORS, PAINTS, PATTERNS, SHAPE_FACTORS, SHAPES, SLOTS

KINDS = tuple(SHAPES)
COLOURS = tuple(PAINTS)
GROUNDS = tuple(PATTERNS)
TEXTURES = GROUNDS[:3]  # of shapes: the smallest are too small for checks
SMALL_RADIUS, LARGE_RADIUS = (0.145, 0.16), (0.2, 0.215)  # least and greatest
LARGE = 0.18  # from this radius on a shape is called large
TURN = np.pi / 9  # greatest rotation of a shape, either way
MARGIN = 0.03  # least distance of a shape from the border
GAP = 0.045  # and from another shape
SLANT = 0.6  # greatest offset across a relation, as a share of the offset along it
TRIES = 12  # places tried for the shapes of an image, ever closer to their layout's

# Uniform numbers that an image takes: for its label, itself, its shapes' colours, its shapes, their places.
DRAWS = (1, len(IMAGE_FACTORS), len(COLOURS), 6 * SLOTS, 2 * SLOTS * TRIES)


class Layout(NamedTuple):
    """How shapes stand: a place for each, and what holds between them. The first is above or left of every other."""

    places: tuple[tuple[float, float], ...]
    relations: tuple[Relation, ...]


LAYOUTS = (
    Layout(((0.5, 0.5),), ()),
    Layout(((0.5, 0.26), (0.5, 0.74)), ((0, "above", 1),)),
    Layout(((0.26, 0.5), (0.74, 0.5)), ((0, "left of", 1),)),
    Layout(((0.26, 0.26), (0.74, 0.26), (0.5, 0.74)), ((0, "left of", 1), (0, "above", 2), (1, "above", 2))),
    Layout(((0.26, 0.26), (0.26, 0.74), (0.74, 0.5)), ((0, "above", 1), (0, "left of", 2), (1, "left of", 2))),
    Layout(((0.5, 0.26), (0.26, 0.74), (0.74, 0.74)), ((1, "left of", 2), (0, "above", 1), (0, "above", 2))),
    Layout(((0.26, 0.5), (0.74, 0.26), (0.74, 0.74)), ((1, "above", 2), (0, "left of", 1), (0, "left of", 2))),
)


def draw_factors(start: int, stop: int, seed: int) -> np.ndarray:
    """float32 [stop - start, FACTORS]. Of a missing shape kind, colour and texture are -1, and all else is 0."""
    dealt = len(KINDS)  # labels are dealt out over ten rows at a time
    first, last = start - start % dealt, stop + -stop % dealt
    u = _uniforms(first, last, seed)
    label = u[:, 0].reshape(-1, dealt).argsort(1).ravel()
    rows = slice(start - first, stop - first)
    _, own, colours, each, places = np.split(u[rows], np.cumsum(DRAWS)[:-1], axis=1)
    image = _image(own)
    shapes = _shapes(label[rows], image[:, 1], colours, each.reshape(-1, SLOTS, 6), places)
    shapes[np.arange(SLOTS) >= image[:, :1]] = [-1] * 3 + [0] * (len(SHAPE_FACTORS) - 3)
    return np.concatenate([image, shapes.reshape(len(shapes), -1)], 1).astype(np.float32)


def _uniforms(start: int, stop: int, seed: int) -> np.ndarray:
    """[stop - start, sum(DRAWS)] in [0, 1): a stream that can be entered at any row and is the same in every numpy."""
    quads = -(-sum(DRAWS) // 4)  # Philox counts in fours
    raw = np.random.Philox(seed).advance(start * quads).random_raw((stop - start) * quads * 4)
    return (raw >> np.uint64(11)).reshape(stop - start, -1)[:, : sum(DRAWS)] * 2.0**-53


def _image(u: np.ndarray) -> np.ndarray:
    """[n, IMAGE_FACTORS] out of as many uniform numbers."""
    count = 1 + np.floor(3 * u[:, 0])
    layout = np.choose(count.astype(int) - 1, [0 * count, 1 + np.floor(2 * u[:, 1]), 3 + np.floor(4 * u[:, 1])])
    texture, dark, hue = np.floor(len(GROUNDS) * u[:, 2]), np.floor(2 * u[:, 3]), u[:, 4]
    return np.stack([count, layout, texture, dark, hue, np.pi * u[:, 5], 0.2 + 0.1 * u[:, 6]], 1)


def _shapes(
    label: np.ndarray, layout: np.ndarray, colours: np.ndarray, u: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """[n, SLOTS, SHAPE_FACTORS], as if no shape were missing."""
    kind, texture = np.floor(len(KINDS) * u[..., 0]), np.floor(len(TEXTURES) * u[..., 1])
    kind[:, 0] = label
    colour = colours.argsort(1)[:, :SLOTS]  # no two alike in an image
    least, greatest = np.moveaxis(np.array([SMALL_RADIUS, LARGE_RADIUS])[(u[..., 2] < 0.5).astype(int)], -1, 0)
    radius = least + (greatest - least) * u[..., 3]
    x, y = np.moveaxis(_places(layout, radius, places.reshape(-1, TRIES, SLOTS, 2)), -1, 0)
    return np.stack([kind, colour, texture, x, y, radius, TURN * (2 * u[..., 4] - 1), np.pi * u[..., 5]], 2)


def _places(layout: np.ndarray, radius: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Centres [n, SLOTS, 2] in [0, 1]: the first try in u [n, TRIES, SLOTS, 2] where every relation is plain to see and
    every shape stands apart. Tries shrink from anywhere in the image to the layout's own places, which always fit."""
    centres = np.zeros((len(layout), SLOTS, 2))
    shrink = np.linspace(0, 1, TRIES)[:, None, None]
    for number, (places, relations) in enumerate(LAYOUTS):
        rows = np.flatnonzero(layout == number)
        reach = MARGIN + radius[rows, None, : len(places), None]
        tried = reach + u[rows, :, : len(places)] * (1 - 2 * reach)
        tried += shrink * (np.array(places) - tried)
        fits = np.ones((len(rows), TRIES), bool)
        for a, word, b in relations:
            right, down = np.moveaxis(tried[:, :, b] - tried[:, :, a], -1, 0)
            along, across = (down, right) if word == "above" else (right, down)
            apart = (radius[rows, a] + radius[rows, b] + GAP)[:, None]
            fits &= (np.abs(across) <= SLANT * along) & (along**2 + across**2 >= apart**2)
        fits[:, -1] = True
        centres[rows, : len(places)] = tried[np.arange(len(rows)), fits.argmax(1)]
    return centres
