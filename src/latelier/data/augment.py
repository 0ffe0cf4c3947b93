"""Random changes of images that leave their meaning alone; every change is a function of (seed, position)."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import Refusal

ROTATION, LOG_SCALE, SHEAR, MOVE = math.radians(20), 0.2, 0.3, 3 / 28  # of affine 1: ± each, the last in sides
FACTOR, HUE = 0.4, math.radians(36)  # of colour 1: ± the logarithm of each factor, and the turn about the grey axis
CUTOUT = 0.36  # of the side: 10 of 28 px, 3 of 8
SMALL = 16  # px: below, a stroke is a pixel wide, and three quarters of affine 1 are what its classes survive
BLACK = 1 / 16  # up to which a pixel counts as black
DRAWS = 12  # numbers an image; each has its own place, so that one change does not alter the draws of another


@dataclass(frozen=True)
class Augment:
    """``shift``: each image is moved by up to so many pixels up or down and left or right, black coming in at the
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
            if not 0 <= getattr(self, name) < math.inf:
                raise Refusal(f"{name} is a strength, at least 0 (1 is usual), not {getattr(self, name)}")
        if not 0 <= self.cutout < 1:
            raise Refusal(f"cutout is a share of the image's side, from 0 to below 1, not {self.cutout}")

    def __call__(self, image: Tensor, generator: Generator) -> Tensor:
        """image [b, c, h, w] in [0, 1] -> the same shape and range, on the same device, in channels_last. The generator
        may be on the CPU or on the image's device."""
        if self.shift:
            image = _shifted(image, self.shift, generator)
        if self.flip:
            mirrored = torch.rand(len(image), generator=generator, device=generator.device).to(image.device) < 0.5
            image = torch.where(mirrored[:, None, None, None], image.flip(3), image)
        if self.affine or self.cutout or self.colour:
            draws = torch.rand(len(image), DRAWS, generator=generator, device=generator.device)
            unit = draws.to(image.device) * 2 - 1  # [b, DRAWS] in [-1, 1)
            black = _black_rimmed(image)
            if self.affine:
                image = _turned(image, self.affine, unit[:, :6], black)
            if self.colour:
                image = _tinted(image, self.colour, unit[:, 6:10])
            if self.cutout:
                image = _cut(image, self.cutout, unit[:, 10:], black)
        return image.contiguous(memory_format=torch.channels_last)


def strong(image: tuple[int, int, int]) -> Augment:
    """What consistency training asks a net to see through, for images of that shape (c, h, w). Nothing is mirrored:
    digits and text do not survive it."""
    c, h, w = image
    return Augment(affine=1.0 if min(h, w) >= SMALL else 0.75, cutout=CUTOUT, colour=1.0 if c == 3 else 0.0)


def weak(image: tuple[int, int, int]) -> Augment:
    """What a net is expected to see through without being taught, for images of that shape (c, h, w): the affine change
    alone, at half the strength."""
    return Augment(affine=strong(image).affine / 2)


def _shifted(image: Tensor, most: int, generator: Generator) -> Tensor:
    b, _, h, w = image.shape
    moves = torch.randint(-most, most + 1, (b, 2, 1), generator=generator, device=generator.device).to(image.device)
    rows = torch.arange(h, device=image.device) + moves[:, 0]  # [b, h], where each row comes from
    columns = torch.arange(w, device=image.device) + moves[:, 1]
    image = image.gather(2, rows.clamp(0, h - 1)[:, None, :, None].expand_as(image))
    image = image.gather(3, columns.clamp(0, w - 1)[:, None, None, :].expand_as(image))
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    return image * inside[:, None]


def _black_rimmed(image: Tensor) -> Tensor:
    """bool [b]: whether at least half of the outermost pixels are black."""
    bright = image.amax(1)
    rim = torch.cat([bright[:, 0], bright[:, -1], bright[:, :, 0], bright[:, :, -1]], 1)
    return (rim <= BLACK).float().mean(1) >= 0.5


def _turned(image: Tensor, strength: float, unit: Tensor, black: Tensor) -> Tensor:
    """unit [b, 6] in [-1, 1]: turn, log-scales of height and width, shear, and moves down and right."""
    h, w = image.shape[2:]
    turn, shear = unit[:, 0] * (strength * ROTATION), unit[:, 3] * (strength * SHEAR)
    tall, wide = (unit[:, 1:3] * (strength * LOG_SCALE)).exp().unbind(1)
    cos, sin = turn.cos(), turn.sin()
    down, right = (unit[:, 4 + i] * (2 * max(strength * MOVE, 1 / side)) for i, side in enumerate((h, w)))
    aspect = h / w  # the grid's coordinates run from -1 to 1 along both sides, whatever their lengths
    rows = torch.stack([cos * wide, (shear * cos - sin * tall) * aspect, right], 1)
    columns = torch.stack([sin * wide / aspect, shear * sin + cos * tall, down], 1)
    grid = functional.affine_grid(torch.stack([rows, columns], 1), list(image.shape), align_corners=False)
    turned = functional.grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    inside = (grid.abs() <= 1).all(-1) | ~black[:, None, None]
    return (turned * inside[:, None]).clamp(0, 1)


def _tinted(image: Tensor, strength: float, unit: Tensor) -> Tensor:
    """unit [b, 4] in [-1, 1]: brightness, contrast, saturation, hue. All four are one linear map of colours."""
    c = image.shape[1]
    bright, contrast, saturation = (unit[:, :3] * (strength * FACTOR)).exp().unbind(1)
    grey = image.mean((1, 2, 3))
    offset = grey * bright * (1 - contrast)
    factor = bright * contrast
    if c != 3:
        return (image * factor[:, None, None, None] + offset[:, None, None, None]).clamp(0, 1)
    turn = unit[:, 3] * (strength * HUE)
    even = torch.full((3, 3), 1 / 3, device=image.device)  # projects a colour on the grey axis
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=image.device) / math.sqrt(3)
    rest = torch.eye(3, device=image.device) - even
    turned = turn.cos()[:, None, None] * rest + turn.sin()[:, None, None] * across
    colours = factor[:, None, None] * (even + saturation[:, None, None] * turned)  # [b, 3, 3]
    pixels = image.permute(0, 2, 3, 1).flatten(1, 2)  # [b, h*w, 3]
    tinted = torch.baddbmm(offset[:, None, None], pixels, colours.transpose(1, 2)).clamp(0, 1)
    return tinted.view(len(image), *image.shape[2:], 3).permute(0, 3, 1, 2)


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
