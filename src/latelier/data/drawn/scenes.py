"""Drawn images whose parts, attributes, classes and captions are known exactly: one to three textured shapes, apart
from each other, on a textured ground.

The class is the kind of the shape that comes first: the one that is above or left of every other. Where there are two
or three shapes, their kinds alone do not tell it; colour, texture, size, place and ground never do. Every ten images
(rows 0-9, 10-19, ...) hold each class once.

An image is a function of (seed, row, size): any block of rows can be drawn by itself, in any order, in flat memory;
size changes nothing but the resolution.
"""

import numpy as np

from latelier.data.drawn.scene_captions import describe, noun
from latelier.data.drawn.scene_factors import (
    COLOURS,
    GROUNDS,
    KINDS,
    LARGE,
    LARGE_RADIUS,
    LAYOUTS,
    SMALL_RADIUS,
    TEXTURES,
    TURN,
    draw_factors,
)
from latelier.data.drawn.scene_pixels import FACTORS, IMAGE_FACTORS, render, split
from latelier.data.factors import binned
from latelier.data.images import Images
from latelier.errors import Refusal

__all__ = ["ATTRIBUTES", "CLASSES", "COLOURS", "FACTORS", "GROUNDS", "KINDS", "TEXTURES", "draw_block", "draw_scenes"]

VERSION = 1  # of what a seed draws
CLASSES = tuple(f"{kind} first" for kind in KINDS)
ATTRIBUTES = (
    *(f"has {word}" for word in ("red", "yellow", "blue", "striped", "dotted", "circle", "star", "small", "large")),
    *("two or more shapes", "ground is striped", "ground is dark"),
)

# What every image has: of its shapes only the first is in all of them. Continuous ones are cut over their ranges.
KNOWN = (*IMAGE_FACTORS, *(name for name in FACTORS if name.endswith(" 1")))
RANGES = {
    "ground hue": (0, 1),
    "ground angle": (0, np.pi),
    "ground period": (0.2, 0.3),
    "x 1": (0, 1),
    "y 1": (0, 1),
    "radius 1": (SMALL_RADIUS[0], LARGE_RADIUS[1]),
    "rotation 1": (-TURN, TURN),
    "stripe angle 1": (0, np.pi),
}

BLOCK = 256  # images drawn at once


def draw_scenes(n: int, *, size: int = 32, seed: int = 0) -> Images:
    """n images, pixels uint8 [n, size, size, 3]. ``truth`` holds uint8 [n, size, size] "parts", 1 + kind of the shape
    at a pixel, and "instances", 1 + its slot, 0 = ground; and float32 [n, FACTORS] "factors", all that an image is
    drawn from. Raises Refusal for n < 1, a size below 32 or not divisible by 8, and a negative seed."""
    return draw_block(0, n, size=size, seed=seed)


def draw_block(start: int, stop: int, *, size: int = 32, seed: int = 0) -> Images:
    """Rows ``start`` to ``stop`` (without it) of the endless set of that seed, as ``draw_scenes`` gives them."""
    if not 0 <= start < stop:
        raise Refusal(f"scenes: rows {start} to {stop} were asked for; ask for at least one image, from row 0 upwards")
    if size < 32 or size % 8:
        raise Refusal(f"scenes: size {size} was asked for; it must be 32 or more and divisible by 8, as 32 or 64")
    if seed < 0:
        raise Refusal(f"scenes: seed {seed} was given; it must be 0 or more")
    n = stop - start
    factors = draw_factors(start, stop, seed)
    pixels = np.empty((n, size, size, 3), np.uint8)
    parts, instances = np.empty((2, n, size, size), np.uint8)
    for at in range(0, n, BLOCK):
        rows = slice(at, at + BLOCK)
        pixels[rows], parts[rows], instances[rows] = render(factors[rows], size)
    return Images(
        pixels=pixels,
        label=factors[:, FACTORS.index("kind 1")].astype(np.int64),
        attribute=_attributes(factors),
        captions=_captions(factors),
        names=[f"scene-{row:06d}" for row in range(start, stop)],
        classes=CLASSES,
        attributes=ATTRIBUTES,
        factors=KNOWN,
        truth={"parts": parts, "instances": instances, "factors": factors, "levels": _levels(factors)},
        source="scenes",
        fingerprint=f"scenes-{VERSION} rows={start}:{stop} size={size} seed={seed}",
    )


def _levels(factors: np.ndarray) -> np.ndarray:
    """int64 [n, KNOWN]."""
    columns = {name: factors[:, FACTORS.index(name)] for name in KNOWN}
    cut = [binned(c, *RANGES[name]) if name in RANGES else c.astype(np.int64) for name, c in columns.items()]
    return np.stack(cut, 1)


def _attributes(factors: np.ndarray) -> np.ndarray:
    """int8 [n, ATTRIBUTES]."""
    image, shape = split(factors)
    has = {name: shape["colour"] == number for number, name in enumerate(COLOURS)}
    has |= {name: shape["texture"] == number for number, name in enumerate(TEXTURES)}
    has |= {name: shape["kind"] == number for number, name in enumerate(KINDS)}
    has |= {"small": (shape["radius"] > 0) & (shape["radius"] < LARGE), "large": shape["radius"] >= LARGE}
    holds = {f"has {name}": slots.any(1) for name, slots in has.items()}
    holds["two or more shapes"] = image["count"] >= 2
    holds["ground is striped"] = image["ground texture"] == GROUNDS.index("striped")
    holds["ground is dark"] = image["ground dark"] == 1
    return np.stack([holds[name] for name in ATTRIBUTES], 1).astype(np.int8)


def _captions(factors: np.ndarray) -> list[list[str]]:
    """Every image's captions, the canonical one first."""
    image, shape = split(factors)
    nouns = [
        [
            noun(
                "large" if radius >= LARGE else "small", COLOURS[int(colour)], TEXTURES[int(texture)], KINDS[int(kind)]
            )
            for radius, colour, texture, kind in zip(*slots, strict=True)
            if radius > 0
        ]
        for slots in zip(*(shape[name].tolist() for name in ("radius", "colour", "texture", "kind")), strict=True)
    ]
    layouts, grounds = image["layout"].astype(int).tolist(), image["ground texture"].astype(int).tolist()
    return [
        describe(shapes, LAYOUTS[layout].relations, GROUNDS[ground])
        for shapes, layout, ground in zip(nouns, layouts, grounds, strict=True)
    ]
