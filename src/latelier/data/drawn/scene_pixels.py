"""From the factors of a drawn scene to its pixels: signed distances, patterns and paint.

Lengths are shares of the image's side, x to the right and y downwards, angles in radians. An image is a function of
its factors alone, so a changed factor redraws the same scene with that one thing changed. Over pixels only exactly
rounded operations are used (no sines): an image does not depend on which others are drawn in the same block.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

IMAGE_FACTORS = ("count", "layout", "ground texture", "ground dark", "ground hue", "ground angle", "ground period")
SHAPE_FACTORS = ("kind", "colour", "texture", "x", "y", "radius", "rotation", "stripe angle")
SLOTS = 3  # at most this many shapes in an image
FACTORS = IMAGE_FACTORS + tuple(f"{name} {slot}" for slot in range(1, SLOTS + 1) for name in SHAPE_FACTORS)

PERIOD = 0.125  # of the pattern on a shape
RIM = 0.02  # least distance of dots from a shape's outline; stripes run up to it

Field = Any  # float32 array [m, h, w]; numpy's stubs take its products with Python's numbers for float64
Outline = Callable[[Field, Field], Field]  # (u, v) in radii, v upwards -> signed distance, negative inside
Pattern = Callable[[Field, Field, Field], Field]  # (u, v, period) -> signed distance, positive on the second paint

PAINTS = {  # colour -> paint, and the second paint of its stripes or dots
    "red": ((216, 36, 40), (250, 200, 196)),
    "yellow": ((250, 214, 40), (150, 78, 0)),
    "green": ((30, 158, 66), (204, 246, 200)),
    "cyan": ((0, 190, 212), (200, 248, 250)),
    "blue": ((34, 84, 224), (190, 216, 255)),
    "purple": ((158, 44, 186), (242, 200, 250)),
}


def _circle(u: Field, v: Field) -> Field:
    return np.sqrt(u * u + v * v) - 0.94


def _ring(u: Field, v: Field) -> Field:
    return np.abs(np.sqrt(u * u + v * v) - 0.68) - 0.3


def _moon(u: Field, v: Field) -> Field:
    """A disc less another, both to the right, so that what is left of the first is in the middle."""
    v2 = v * v
    return np.maximum(np.sqrt((u - 0.2) ** 2 + v2) - 0.98, 0.8 - np.sqrt((u - 0.87) ** 2 + v2))


def _heart(u: Field, v: Field) -> Field:
    """Two discs, and the square on its corner that they sit on."""
    side = np.abs(u)
    square = np.maximum(side - v - 0.857, side + v - 0.5) * np.float32(0.5**0.5)
    return np.minimum(square, np.sqrt((side - 0.45) ** 2 + (v - 0.3) ** 2) - 0.5)


def _square(u: Field, v: Field) -> Field:
    return np.maximum(np.abs(u), np.abs(v)) - 0.73


def _triangle(u: Field, v: Field) -> Field:
    return np.maximum(np.abs(u) * 0.88 + v * 0.475 - 0.435, -v - 0.62)


def _diamond(u: Field, v: Field) -> Field:
    return (np.abs(u) / 0.76 + np.abs(v) - 1) * np.float32((1 + 0.76**-2) ** -0.5)


def _cross(u: Field, v: Field) -> Field:
    long, short = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
    return np.maximum(long - 0.94, short - 0.34)


def _star(u: Field, v: Field) -> Field:
    """Five lines hold two sides each: inside, a point is beyond one of them at most. The tips are cut off a little."""
    most, second = np.full_like(u, -2), np.full_like(u, -2)
    for angle in np.pi * (0.5 + 0.4 * np.arange(5)):
        beyond = np.float32(np.cos(angle)) * u + np.float32(np.sin(angle)) * v
        most, second = np.maximum(most, beyond), np.maximum(second, np.minimum(most, beyond))
    return np.maximum(second - 0.4, most - 0.97)


def _hourglass(u: Field, v: Field) -> Field:
    return np.maximum(np.abs(v) - 0.8, (np.abs(u) - 0.25 - 0.53 * np.abs(v)) * 0.88)


SHAPES: dict[str, Outline] = {
    "circle": _circle,
    "ring": _ring,
    "moon": _moon,
    "heart": _heart,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
    "star": _star,
    "hourglass": _hourglass,
}


def _wave(t: Field) -> Field:
    """Triangle wave of period 1 between -1 (at whole numbers) and 1."""
    return 1 - np.abs(4 * (t - np.floor(t)) - 2)


def _plain(u: Field, v: Field, period: Field) -> Field:
    return np.full(np.broadcast_shapes(u.shape, v.shape), -1, np.float32)


def _striped(u: Field, v: Field, period: Field) -> Field:
    return (_wave(u / period) - 0.1) * period / 4


def _dotted(u: Field, v: Field, period: Field) -> Field:
    du, dv = (t / period - np.rint(t / period) for t in (u, v))
    return (0.34 - np.sqrt(du * du + dv * dv)) * period


def _checked(u: Field, v: Field, period: Field) -> Field:
    a, b = _wave(u / period), _wave(v / period)
    return np.sign(a * b) * np.minimum(np.abs(a), np.abs(b)) * period / 4


PATTERNS: dict[str, Pattern] = {
    "plain": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
}


def split(factors: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Factors [n, FACTORS] by name: the image's own, each [n], and those of its shapes, each [n, SLOTS]."""
    own, shapes = np.split(factors, [len(IMAGE_FACTORS)], axis=1)
    shapes = shapes.reshape(len(factors), SLOTS, len(SHAPE_FACTORS))
    by_name = dict(zip(SHAPE_FACTORS, np.moveaxis(shapes, 2, 0), strict=True))
    return dict(zip(IMAGE_FACTORS, own.T, strict=True)), by_name


def render(factors: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """factors [n, FACTORS] -> pixels uint8 [n, h, w, 3], and uint8 [n, h, w] twice: parts, 1 + kind of the shape that
    covers the pixel's centre, and instances, 1 + its slot; 0 = ground."""
    image, shapes = split(np.asarray(factors, np.float32))
    canvas = _ground(image, size)
    parts = np.zeros((len(factors), size, size), np.uint8)
    instances = np.zeros_like(parts)
    for slot in range(SLOTS):
        for kind, name in enumerate(SHAPES):
            rows = np.flatnonzero(shapes["kind"][:, slot] == kind)
            if len(rows):
                shape = {factor: values[rows, slot] for factor, values in shapes.items()}
                distance, paint = _shape(SHAPES[name], shape, size)
                canvas[rows] += np.clip(0.5 - distance * size, 0, 1)[..., None] * (paint - canvas[rows])
                parts[rows] += np.uint8(1 + kind) * (distance <= 0)
                instances[rows] += np.uint8(1 + slot) * (distance <= 0)
    return np.rint(canvas).astype(np.uint8), parts, instances


def _frame(x: np.ndarray, y: np.ndarray, angle: np.ndarray, size: int) -> tuple[Field, Field]:
    """Coordinates of the pixels' centres in frames at (x, y) turned by ``angle``, the second axis upwards."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    right, up = at - x[:, None, None], y[:, None, None] - at[:, None]
    turn = angle.astype(np.float64)  # its sines, rounded to float32, are the same in a block of any length
    cos, sin = (f(turn).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    return right * cos + up * sin, up * cos - right * sin


def _mix(u: Field, v: Field, period: Field, texture: np.ndarray, size: int) -> Field:
    """Share of the second paint in each pixel, in [0, 1]."""
    second = np.zeros(u.shape, np.float32)
    for number, pattern in enumerate(PATTERNS.values()):
        rows = np.flatnonzero(texture == number)
        if len(rows):
            second[rows] = np.clip(pattern(u[rows], v[rows], period[rows]) * size + 0.5, 0, 1)
    return second


def _shape(outline: Outline, shape: dict[str, np.ndarray], size: int) -> tuple[Field, np.ndarray]:
    """Signed distance [m, h, w] and paint [m, h, w, 3] of m shapes of one kind."""
    radius = shape["radius"][:, None, None]
    u, v = _frame(shape["x"], shape["y"], shape["rotation"], size)
    distance = outline(u / radius, v / radius) * radius
    striped = shape["texture"] == list(PATTERNS).index("striped")
    u, v = _frame(shape["x"], shape["y"], np.where(striped, shape["stripe angle"], shape["rotation"]), size)
    second = _mix(u, v, np.full_like(radius, PERIOD), shape["texture"], size)
    within = np.clip((-RIM - distance) * size + 0.5, 0, 1)
    second = np.where(striped[:, None, None], second, np.minimum(second, within))[..., None]
    paints = np.array(list(PAINTS.values()), np.float32)[shape["colour"].astype(int)]
    paint, other = paints.transpose(1, 0, 2)[:, :, None, None]
    return distance, paint + second * (other - paint)


def _ground(image: dict[str, np.ndarray], size: int) -> np.ndarray:
    """float32 [n, h, w, 3]: two muted tones of one hue, too grey for any paint."""
    hue, period = image["ground hue"][:, None], image["ground period"][:, None, None]
    middle = np.full(len(hue), 0.5, np.float32)
    u, v = _frame(middle, middle, image["ground angle"], size)
    second = _mix(u, v, period, image["ground texture"], size)[..., None]
    turn = hue - np.arange(3, dtype=np.float32) / 3
    tint = 0.87 + 0.26 * np.clip(2 - 6 * np.abs(turn - np.rint(turn)), 0, 1)
    dark = image["ground dark"][:, None, None, None] > 0
    tone = tint[:, None, None] * np.where(dark, np.float32(48), np.float32(140))
    contrast = np.where(dark, np.float32(0.36), np.float32(0.24))
    return np.asarray(tone * (1 + contrast * (0.5 - second)))
