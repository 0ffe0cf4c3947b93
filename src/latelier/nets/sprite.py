"""Images pasted together from sprites: small masks that are learned once for all images, placed and painted by a
code of each (as in Smirnov et al. 2021, arXiv 2104.14553, and Monnier et al. 2021, arXiv 2104.14575), on a ground.

An image is cut into square cells, ``cells`` to its shorter side. At a cell at most one sprite occurs. Its frame is
about as wide as a cell and two thirds, and its place says by how much it is moved, scaled and turned."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from latelier.nets.compact import down, halved
from latelier.nets.encoder import Encoder
from latelier.nets.halving import Image, Size
from latelier.nets.norm import Norm
from latelier.nets.pixel_range import Centred
from latelier.nets.resnet import Block

PLACE = 4  # numbers: right, down, scale, turn
SIDE = 28  # of a mask, in points of its own
HALF = 0.84  # half the frame's side, in cells
REACH, SCALE, TURN = 0.75, 0.5, 0.5  # greatest move in cells, of the log of the scale, and turn in radians
BLOB, EDGE = 0.7, 4.0  # radius of the first masks as a share of half a frame, and the slope of their logits
GAIN = 20.0  # times the learned weights: masks, which no layer multiplies, so learn as fast as all else
BLUR = 5  # points a side, between which the noise of the first masks is drawn smoothly
GREY = 0.5
HALVINGS = 3  # of the trunk at most; the last map is where probes read
EAGER = 1.0  # first logit that something occurs at a cell


def grid_of(image: Image, cells: int) -> Size:
    """Cells (h, w) of an image, as nearly square as they can be."""
    side = min(image[1:]) / cells
    return max(1, round(image[1] / side)), max(1, round(image[2] / side))


class Heads(nn.Module):
    """The trunk's map [b, c, h, w] -> by name: "occurrence", logits that something occurs, [b, 1, h, w]; "place" and
    "appearance", mean and log-variance side by side, [b, 2 d, h, w]; and "ground", [b, 2 d]."""

    def __init__(self, width: int, grid: Size, colours: int, ground: int):
        super().__init__()
        top = 2 * width
        self.into = nn.Sequential(
            nn.Conv2d(width, top, 3, 1, 1), nn.AdaptiveAvgPool2d(grid), Block(top, top, functional.relu)
        )
        self.last = nn.Sequential(Norm(top), nn.ReLU())
        self.occurrence = nn.Conv2d(top, 1, 3, 1, 1)
        self.place = nn.Conv2d(top, 2 * PLACE, 3, 1, 1)
        self.appearance = nn.Conv2d(top, 2 * colours, 3, 1, 1)
        self.ground = nn.Linear(top * grid[0] * grid[1], 2 * ground)
        with torch.no_grad():
            self.occurrence.bias.fill_(EAGER)  # type: ignore[union-attr]
            for head in (self.place, self.appearance):
                head.weight.mul_(0.3)

    def forward(self, map: Tensor) -> dict[str, Tensor]:
        top = self.last(self.into(map))
        found = {"ground": self.ground(top.flatten(1))}
        found |= {name: getattr(self, name)(top) for name in ("occurrence", "place", "appearance")}
        return {name: value.float() for name, value in found.items()}


def encoder(image: Image, channels: int, heads: nn.Module) -> Encoder:
    """Strided convolutions, each but the first with a residual block, under the heads."""
    stages: dict[str, nn.Module] = {}
    size, below = image[1:], image[0]
    for number in range(1, _halvings(image) + 1):
        above = channels * min(2, number)
        layers = [Block(above, above, functional.relu)] if number > 1 else []
        stages[f"conv{number}"] = nn.Sequential(
            *([Centred()] if number == 1 else []), down(below, above, size), *layers, nn.ReLU()
        )
        size, below = halved(size), above
    return Encoder(stages, image, head=heads)


def _halvings(image: Image) -> int:
    """That leave the shorter side 4 pixels or more."""
    return min(HALVINGS, max(2, int(math.log2(min(image[1:]) / 4))))


class Sprites(nn.Module):
    """A code by name, "occurrence" [b, N, h, w], "place" [b, 4, h, w], "appearance" [b, c, h, w] and "ground" [b, d]
    -> image [b, c, H, W] in (-0.5, 0.5), counted from mid-grey."""

    def __init__(self, image: Image, grid: Size, parts: int, ground: nn.Module):
        super().__init__()
        self.image, self.grid, self.ground = image, grid, ground
        points = torch.linspace(-1, 1, SIDE)
        blob = EDGE * (BLOB - (points[:, None].square() + points.square()).sqrt())
        noise = functional.interpolate(torch.randn(1, parts, BLUR, BLUR), (SIDE, SIDE), mode="bicubic")[0]
        self.weight = nn.Parameter((blob + 2 * noise) / GAIN)

    def masks(self) -> Tensor:
        """[N, side, side] in [0, 1]: how much of its frame each sprite covers."""
        return (GAIN * self.weight).sigmoid()

    def cover(self, occurrence: Tensor, place: Tensor) -> Tensor:
        """[b, cells, H, W] in [0, 1]: how much of each pixel the sprite of each cell covers."""
        b, _, h, w = occurrence.shape
        shapes = occurrence.flatten(2).transpose(1, 2) @ self.masks().flatten(1)
        shapes = shapes.reshape(b * h * w, 1, SIDE, SIDE)
        found = functional.grid_sample(shapes, self._frames(place), padding_mode="zeros", align_corners=False)
        return found.reshape(b, h * w, *self.image[1:])

    def forward(self, code: Mapping[str, Tensor]) -> Tensor:
        cover = self.cover(code["occurrence"], code["place"])
        colour = code["appearance"].flatten(2).tanh() / 2  # [b, c, cells]
        b, cells, height, width = cover.shape
        painted = (colour @ cover.reshape(b, cells, -1)).reshape(b, -1, height, width)
        total = cover.sum(1, keepdim=True)
        ground: Tensor = self.ground(code["ground"]).float().tanh() / 2
        return ground * (1 - total.clamp(max=1)) + painted / total.clamp(min=1)

    def errors(self, image: Tensor, code: Mapping[str, Tensor]) -> Tensor:
        """[b, N, h, w]: squared error within the frame at each cell if this or that sprite occurred there, of pixels
        counted from mid-grey in units of their range; of images [b, c, H, W] in [0, 1]. A gradient reaches the masks
        alone. Neighbours that overlap are not counted."""
        with torch.no_grad():
            b, channels = len(image), self.image[0]
            ground = self.ground(code["ground"]).float().tanh() / 2
            seen = torch.cat([image - GREY, ground, torch.ones_like(image[:, :1])], 1)
            crops, area = self._crops(seen, code["place"])
            front, behind, inside = crops.split([channels, channels, 1], 2)
            colour = (code["appearance"].tanh() / 2).flatten(2).transpose(1, 2)[..., None]
            apart, over = front - behind, inside * colour - behind
            without = apart.square().sum((2, 3))[..., None]
            once, twice = (apart * over).sum(2), over.square().sum(2)
        masks = self.masks().flatten(1).T
        error = area[..., None] * (without - 2 * once @ masks + twice @ masks.square())  # [b, cells, N]
        out: Tensor = error.transpose(1, 2).reshape(b, -1, *self.grid)
        return out

    def _crops(self, seen: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """Images [b, c, H, W] as they lie in the frame at each cell, [b, cells, c, side * side], 0 beyond their
        border; and [b, cells], the pixels that a point of the frame covers."""
        x, y, half, turn = (value.flatten(1)[..., None, None] for value in self._poses(place))
        points = (2 * torch.arange(SIDE, device=place.device) + 1) / SIDE - 1
        u, v = points * half, points[:, None] * half  # [b, cells, 1, side] and [b, cells, side, 1]
        across = 2 * (x + u * turn.cos() - v * turn.sin()) / self.image[2] - 1
        along = 2 * (y + u * turn.sin() + v * turn.cos()) / self.image[1] - 1
        points = torch.stack([across, along], -1).flatten(2, 3)  # [b, cells, side * side, 2]
        found = functional.grid_sample(seen, points, padding_mode="zeros", align_corners=False)
        return found.transpose(1, 2), (2 * half.flatten(1) / SIDE).square()

    def _poses(self, place: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[b, h, w] each: the middle's x and y, half the side of the frame, in pixels, and how it is turned."""
        (height, width), (h, w) = self.image[1:], self.grid
        side = min(height / h, width / w)
        right, down_, scale, turn = place.tanh().unbind(1)
        x = (torch.arange(w, device=place.device) + 0.5) * (width / w) + REACH * side * right
        y = ((torch.arange(h, device=place.device) + 0.5) * (height / h))[:, None] + REACH * side * down_
        return x, y, HALF * side * (SCALE * scale).exp(), TURN * turn

    def _frames(self, place: Tensor) -> Tensor:
        """[b * cells, H, W, 2]: each pixel's coordinates in the frame of each cell's sprite, in it from -1 to 1."""
        x, y, half, turn = (value.reshape(-1, 1, 1) for value in self._poses(place))
        u = torch.arange(self.image[2], device=place.device) + 0.5 - x
        v = (torch.arange(self.image[1], device=place.device) + 0.5)[:, None] - y
        cos, sin = turn.cos() / half, turn.sin() / half
        return torch.stack([u * cos + v * sin, v * cos - u * sin], -1)
