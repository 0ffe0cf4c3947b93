"""Where each part occurs: images dimmed wherever it does not (Gupta et al. 2020, figure 3)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latelier.core import HasParts, Parts, need
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import BLOCK, View, pixels

needs = (HasParts,)
IMAGES = 1000  # that the parts are counted over
ROWS, COLUMNS = 12, 8  # parts and images at most
CERTAIN = 0.5  # a part occurs in an image where its probability exceeds this at some cell
DIM = 0.25  # brightness that is left where a part does not occur, on a floor of as much: black differs from dimmed
SCALE = (0.0, 0.25, 0.5, 0.75, 1.0)


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: a column an image, a row a part."""
    occurrence = parts_of(view).occurrence
    n, p, h, w = occurrence.shape
    order = most_used(occurrence)[:ROWS]
    image = view.image[: min(COLUMNS, fitting(view.image.shape[3], view.image.shape[2]))]
    rows = [pixels(image), *(pixels(dimmed(image, occurrence[: len(image), part])) for part in order)]
    captions = ["the images", *(caption_of(occurrence, part) for part in order)]
    columns = [view.caption(i) for i in range(len(image))]
    flat = torch.tensor(SCALE, device=image.device).view(-1, 1, 1)
    scale = pixels(dimmed(image[:1].expand(len(SCALE), -1, -1, -1), flat))
    grids = [
        Grid([[Cell(shown) for shown in row] for row in rows], captions, columns),
        Grid([[Cell(shown, f"{p:g}") for shown, p in zip(scale, SCALE, strict=True)]], ["scale: a probability of"]),
    ]
    footer = (
        f"Each row shows where one part occurs, on a grid of {h} x {w} cells: the image has its own colours in cells "
        "where the part's probability is 1, is dim and grey where it is 0, and between as in the scale. Shown are "
        f"{len(order)} of {p} parts, those of the highest peak first: the peak is the greatest probability in a "
        f"image, the mean that over all cells, both averaged over {n} images; a part is in an image if its peak "
        f"exceeds {CERTAIN:g}."
    )
    return compose(f"{view.title}: parts", [[grid] for grid in grids], footer)


def parts_of(view: View) -> Parts:
    """The parts of all images of the view, found a block at a time."""
    model = need(view.model, HasParts)
    blocks = [model.parts(image) for image in view.image.split(BLOCK)]
    return Parts(*(torch.cat(values) for values in zip(*blocks, strict=True)))


def peaks(occurrence: Tensor) -> Tensor:
    """occurrence [n, p, h, w] -> [n, p], the greatest probability of each part in each image."""
    return occurrence.flatten(2).amax(2)


def most_used(occurrence: Tensor) -> list[int]:
    """Numbers of all parts, the one of the highest mean peak first."""
    order: list[int] = peaks(occurrence).mean(0).argsort(descending=True, stable=True).tolist()
    return order


def caption_of(occurrence: Tensor, part: int) -> str:
    """What stands beside a row: the part's number, and how much it is used in all images [n, p, h, w]."""
    peak = peaks(occurrence)[:, part]
    share = (peak > CERTAIN).float().mean()
    return f"part {part}\npeak {peak.mean():.2f}, mean {occurrence[:, part].mean():.2f}\nin {share:.0%} of images"


def dimmed(image: Tensor, probability: Tensor) -> Tensor:
    """[b, 3, h, w] of images [b, c, h, w] and a part's probabilities [b, rows, columns] over them: the image
    itself where they are 1, dark grey where they are 0, and in proportion between; cells are not smoothed."""
    share = functional.interpolate(probability[:, None].float(), image.shape[2:], mode="nearest")
    dark = DIM + DIM * image.mean(1, keepdim=True)
    return share * image.expand(-1, 3, -1, -1) + (1 - share) * dark
