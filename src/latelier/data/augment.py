"""Random changes of images that leave their meaning alone; every change is a function of (seed, position)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.errors import Refusal

ROTATION, LOG_SCALE, SHEAR, MOVE = math.radians(20), 0.2, 0.3, 3 / 28  # of affine 1: ± each, the last in sides
FACTOR, HUE = 0.4, math.radians(36)  # of colour 1: ± the logarithm of each factor, and the turn about the grey axis
CUTOUT = 0.36  # of the side: 10 of 28 px
SMALL = 16  # px: below, a stroke is a pixel wide; a square of 3 of 8 px cuts classes out, and less turns them
BLACK = 1 / 16  # up to which a pixel counts as black
# The strength of affine and of colour up to which a view is one of its image. At 3 one view in 200 has lost a square
# in the middle, a fifth of the side wide, and one of noise in 75 has no value left between black and white; at 4 one in
# 10 and in 23. More than 1.5 has helped nowhere (docs/augmentation.md).
STRONGEST = 3.0
DRAWS = 12  # numbers an image; each has its own place, so that one change does not alter the draws of another


@dataclass(frozen=True)
class Augment:
    """``shift``: each image is moved by up to this many pixels up or down and left or right, black coming in at the
    edge. ``flip``: half of the images are mirrored left to right. ``affine``: a strength; 1 rotates by up to 20
    degrees, scales height and width by e^±.2, shears by ±.3 and moves by ±11 % of the side (at least a pixel).
    ``cutout``: side of a square at a random place that is painted over, as a share of the image's. ``colour``: a
    strength; 1 multiplies brightness, contrast and, of colour images, saturation by e^±.4 and turns hues by up to 36
    degrees.

    Outside of a turned image there is black where most of its rim is black, as with digits; other images are mirrored
    at the edge, since a black wedge in a photograph would tell how it was turned. For the same reason a cut-out square
    is black in the first and has the image's mean colour in the others."""

    shift: int = 0
    flip: bool = False
    affine: float = 0.0
    cutout: float = 0.0
    colour: float = 0.0

    def __post_init__(self) -> None:
        if self.shift < 0:
            raise Refusal(f"shift is a number of pixels, at least 0, not {self.shift}")
        for name in ("affine", "colour"):
            if not 0 <= getattr(self, name) <= STRONGEST:
                raise Refusal(f"{name} is a strength from 0 to {STRONGEST:g} (1 is usual), not {getattr(self, name)}")
        if not 0 <= self.cutout < 1:
            raise Refusal(f"cutout is a share of the image's side, from 0 to below 1, not {self.cutout}")

    def check(self, image: tuple[int, int, int]) -> None:
        """Raises Refusal for what no image of that shape (c, h, w) survives."""
        side = min(image[1:])
        if self.shift >= side:
            raise Refusal(
                f"shift moves by pixels, fewer than the {side} of the shorter side, not by {self.shift}: nothing of a "
                "image would be left"
            )

    def options(self) -> list[str]:
        """Those of ``latelier train`` that ask for it."""
        return [f"--{field.name}" for field in fields(self) if getattr(self, field.name)]

    def __call__(self, image: Tensor, generator: Generator, *, alike: bool = False) -> Tensor:
        """image [b, c, h, w] in [0, 1] -> the same shape and range, on the same device, in channels_last; with
        ``alike`` each is changed in the same way. The generator may be on the CPU or on the image's device."""
        b, drawn = len(image), 1 if alike else len(image)
        if self.shift:
            image = _shifted(image, self.shift, generator, drawn)
        if self.flip:
            mirrored = torch.rand(drawn, generator=generator, device=generator.device).to(image.device) < 0.5
            image = torch.where(mirrored[:, None, None, None], image.flip(3), image)
        if self.affine or self.cutout or self.colour:
            draws = torch.rand(drawn, DRAWS, generator=generator, device=generator.device).expand(b, DRAWS)
            unit = draws.to(image.device) * 2 - 1  # [b, DRAWS] in [-1, 1)
            black = _black_rimmed(image)
            if self.affine:
                image = _turned(image, self.affine, unit[:, :6], black)
            if self.colour:
                image = _tinted(image, self.colour, unit[:, 6:10])
            if self.cutout:
                image = _cut(image, self.cutout, unit[:, 10:], black)
        return image.contiguous(memory_format=torch.channels_last)


def changes_of(request: Mapping[str, Any]) -> Augment:
    """What the arguments of ``latelier train`` ask for; those of earlier versions lack some. Raises Refusal for a value
    out of its range."""
    return Augment(**{field.name: request[field.name] for field in fields(Augment) if field.name in request})


def strong(image: tuple[int, int, int]) -> Augment:
    """What consistency training asks a net to see through, for images of that shape (c, h, w). Nothing is mirrored:
    digits and text do not survive it."""
    c, h, w = image
    small = min(h, w) < SMALL
    return Augment(affine=0.75 if small else 1.0, cutout=0.0 if small else CUTOUT, colour=1.0 if c == 3 else 0.0)


def _shifted(image: Tensor, most: int, generator: Generator, drawn: int) -> Tensor:
    """By ``drawn`` moves: one for each image, or one for all."""
    b, _, h, w = image.shape
    moves = torch.randint(-most, most + 1, (drawn, 2, 1), generator=generator, device=generator.device)
    moves = moves.expand(b, 2, 1).to(image.device)
    rows = torch.arange(h, device=image.device) + moves[:, 0]  # [b, h], where each row comes from
    columns = torch.arange(w, device=image.device) + moves[:, 1]
    image = image.gather(2, rows.clamp(0, h - 1)[:, None, :, None].expand_as(image))
    image = image.gather(3, columns.clamp(0, w - 1)[:, None, None, :].expand_as(image))
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    return image * inside[:, None]


def _black_rimmed(image: Tensor) -> Tensor:
    """bool [b]: whether at least half of the outermost pixels are black."""
    rim = torch.cat([image[:, :, 0], image[:, :, -1], image[..., 0], image[..., -1]], 2).amax(1)
    return (rim <= BLACK).float().mean(1) >= 0.5


def _turned(image: Tensor, strength: float, unit: Tensor, black: Tensor) -> Tensor:
    """unit [b, 6] in [-1, 1]: turn, log-scales of height and width, shear, and moves down and right."""
    b, _, h, w = image.shape
    turn, shear = unit[:, 0] * (strength * ROTATION), unit[:, 3] * (strength * SHEAR)
    tall, wide = (unit[:, 1:3] * (strength * LOG_SCALE)).exp().unbind(1)
    cos, sin = turn.cos(), turn.sin()
    down, right = (unit[:, 4 + i] * (2 * max(strength * MOVE, 1 / side)) for i, side in enumerate((h, w)))
    aspect = h / w  # the grid's coordinates run from -1 to 1 along both sides, whatever their lengths
    to_x = (cos * wide, (shear * cos - sin * tall) * aspect, right)
    to_y = (sin * wide / aspect, shear * sin + cos * tall, down)
    columns, rows = (((torch.arange(n, device=image.device) * 2 + 1) / n - 1)[None] for n in (w, h))
    grid = image.new_empty(b, h, w, 2)  # written plane by plane: a third of the time of affine_grid's product
    inside = black[:, None, None]
    for place, (across, along, move) in enumerate((to_x, to_y)):
        plane = (across[:, None] * columns)[:, None] + (along[:, None] * rows + move[:, None])[:, :, None]
        grid[..., place] = plane
        inside = inside & (plane.abs() <= 1)
    turned = functional.grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return (turned * (inside | ~black[:, None, None])[:, None]).clamp_(0, 1)


def _tinted(image: Tensor, strength: float, unit: Tensor) -> Tensor:
    """unit [b, 4] in [-1, 1]: brightness, contrast, saturation, hue. All four are one linear map of colours."""
    b, c, h, w = image.shape
    bright, contrast, saturation = (unit[:, :3] * (strength * FACTOR)).exp()[:, :, None, None].unbind(1)  # [b, 1, 1]
    grey = image.mean((1, 2, 3))[:, None, None]
    offset, factor = grey * bright * (1 - contrast), bright * contrast
    if c != 3:
        return (image * factor[:, None] + offset[:, None]).clamp_(0, 1)
    turn = unit[:, 3, None, None] * (strength * HUE)
    one = torch.eye(3, device=image.device)
    even = torch.full_like(one, 1 / 3)  # projects a colour on the grey axis
    across = (one.roll(1, 0) - one.roll(1, 1)) / math.sqrt(3)  # a quarter turn about it
    colours = factor * (even + saturation * (turn.cos() * (one - even) + turn.sin() * across))
    return torch.baddbmm(offset, colours, image.flatten(2)).clamp_(0, 1).view(b, c, h, w)


def _cut(image: Tensor, share: float, unit: Tensor, black: Tensor) -> Tensor:
    """unit [b, 2] in [-1, 1]: the square's place. Its middle is anywhere, so that part of it may lie outside."""
    h, w = image.shape[2:]
    side = max(1, round(share * min(h, w)))
    top, left = (((unit[:, i] + 1) / 2 * n).long().clamp(max=n - 1) - side // 2 for i, n in enumerate((h, w)))
    rows = torch.arange(h, device=image.device) - top[:, None]
    columns = torch.arange(w, device=image.device) - left[:, None]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[:, None, :]
    paint = image.mean((2, 3), keepdim=True) * ~black[:, None, None, None]
    return torch.where(inside[:, None], paint, image)
