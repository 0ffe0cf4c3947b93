"""Drawn 2D shapes, one white shape on black, in every combination of five known factors: shape, scale, rotation, x, y.

The set of the lecture's disentanglement figure (after Higgins et al. 2017), drawn by our own code. An image is its
levels and nothing else: there is no seed in what is drawn.

    shape     square, ellipse, heart; all of one scale have one area
    scale     6: widths from 0.5 to 1 times the largest, whose area is 400 of 64x64 pixels
    rotation  9: multiples of 40 degrees, counterclockwise
    x, y      12 each: the centre of mass, from 16 to 49 of 64 pixels in steps of 3; x to the right, y downwards

A quarter turn takes the square onto itself, a half turn the ellipse. Nine is odd, so none of the nine does: no two
images are alike, and the nine turns of the square are 10 degrees apart in another order (20 for the ellipse).
"""

import numpy as np

from latelier.data.images import Images
from latelier.errors import Refusal

VERSION = 1  # of what is drawn
SIDE = 64  # pixels; smaller images are means over its blocks
SHAPES = ("square", "ellipse", "heart")
SCALES = np.arange(5, 11) / 10
ROTATIONS = np.arange(9) * (2 * np.pi / 9)
PLACES = 16 + 3 * np.arange(12)  # of the centre, in pixels of SIDE
FACTORS = ("shape", "scale", "rotation", "x", "y")
LEVELS = (len(SHAPES), len(SCALES), len(ROTATIONS), len(PLACES), len(PLACES))

AREA = 400.0  # of every shape of scale 1, in pixels of SIDE
STRETCH = 1.7  # the ellipse's long axis by its short one
FINE = 8  # subpixels along a pixel's side, by which its covered share is counted
HELD = 0  # seed of the rotations held out


def draw_sprites(split: str = "", *, size: int = 64) -> Images:
    """All 23,328 images, pixels uint8 [n, size, size, 1], or those of the split "train" or "test"; their order means
    nothing.

    Of the nine rotations of a shape and scale at a place, "test" has one, drawn by a seed, and "train" the other eight:
    both hold all combinations of the other four factors, and all levels of a factor equally often. ``truth`` holds
    int64 [n, 5] "levels" in the order of FACTORS; the label is the shape. Raises Refusal for a size other than 32 and
    64.
    """
    if size not in (32, 64):
        raise Refusal(f"sprites are drawn 32 or 64 pixels wide: --size {size} was given, expected 32 or 64")
    rows = _rows(split)
    levels = np.stack(np.unravel_index(rows, LEVELS), 1).astype(np.int64)
    pixels = np.empty((len(rows), size, size, 1), np.uint8)
    stamps = np.stack([_stamp(s, scale, turn) for s in SHAPES for scale in SCALES for turn in ROTATIONS])
    stamp = np.ravel_multi_index(tuple(levels[:, :3].T), LEVELS[:3])
    for number, (x, y) in enumerate(np.ndindex(LEVELS[3:])):
        here = np.flatnonzero(rows % (LEVELS[3] * LEVELS[4]) == number)
        moved = stamps[:, SIDE - PLACES[y] : 2 * SIDE - PLACES[y], SIDE - PLACES[x] : 2 * SIDE - PLACES[x]]
        pixels[here, ..., 0] = _shrunk(moved, size)[stamp[here]]
    return Images(
        pixels=pixels,
        label=levels[:, 0],
        attribute=np.zeros((len(rows), 0), np.int8),
        captions=[()] * len(rows),
        names=["{}-{}-{}-{}-{}".format(SHAPES[s], *others) for s, *others in levels.tolist()],
        classes=SHAPES,
        factors=FACTORS,
        truth={"levels": levels},
        source="sprites",
        fingerprint=f"sprites-{VERSION} split={split} size={size}",
    )


def _rows(split: str) -> np.ndarray:
    """Numbers of the split's combinations of levels, the last factor's running fastest, in an order without meaning."""
    generator = np.random.default_rng(HELD)
    s, scales, turns, xs, ys = LEVELS
    # Each rotation is held out at the same number of places of each shape and scale.
    held = generator.permuted(np.tile(np.arange(turns), (s * scales, xs * ys // turns)), axis=1)
    test = held.reshape(s, scales, 1, xs, ys) == np.arange(turns)[:, None, None]
    chosen = {"": np.ones_like(test), "train": ~test, "test": test}[split]
    return generator.permutation(np.flatnonzero(chosen))


def _stamp(shape: str, scale: float, turn: float) -> np.ndarray:
    """float32 [2 SIDE, 2 SIDE] in [0, 1]: the share of each pixel that the shape covers, its centre of mass in the
    middle."""
    at = (np.arange(2 * SIDE * FINE) + 0.5) / FINE - SIDE
    near = np.abs(at) < PLACES[0]  # all shapes stay within this radius
    right, up = at[near], -at[near][:, None]
    u = (right * np.cos(turn) + up * np.sin(turn)) / (scale * AREA**0.5)
    v = (up * np.cos(turn) - right * np.sin(turn)) / (scale * AREA**0.5)
    blocks = _inside(shape, u, v).reshape(2 * PLACES[0], FINE, 2 * PLACES[0], FINE)
    stamp = np.zeros((2 * SIDE, 2 * SIDE), np.float32)
    around = slice(SIDE - PLACES[0], SIDE + PLACES[0])
    stamp[around, around] = blocks.mean((1, 3))
    return stamp


def _inside(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether points are in the shape of area 1 with its centre of mass at the origin, v upwards."""
    inside: np.ndarray
    if shape == "square":
        inside = np.maximum(np.abs(u), np.abs(v)) < 0.5
    elif shape == "ellipse":
        inside = u**2 / STRETCH + v**2 * STRETCH < 1 / np.pi
    else:  # a square on its corner and a half disc on each of its upper sides; (a, b) run along the sides from the tip
        side = (1 + np.pi / 4) ** -0.5
        centre = side * (7 / 12 + 3 * np.pi / 16) / (1 + np.pi / 4)
        a, b = (v + u) / 2**0.5 + centre, (v - u) / 2**0.5 + centre
        inside = (np.minimum(a, b) > 0) & (np.maximum(a, b) < side)
        for along, out in ((a, b), (b, a)):
            inside |= (along - side / 2) ** 2 + (out - side) ** 2 < (side / 2) ** 2
    return inside


def _shrunk(shares: np.ndarray, size: int) -> np.ndarray:
    """uint8 [m, size, size] of shares [m, SIDE, SIDE]."""
    block = SIDE // size
    covered = np.zeros((len(shares), size, size), np.float32)
    for down, right in np.ndindex(block, block):
        covered += shares[:, down::block, right::block]
    pixels: np.ndarray = np.rint(covered * (255 / block**2)).astype(np.uint8)
    return pixels
