"""Which pixels of images are known and which are missing: drawn masks, and a user's own as an image file."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Generator, Tensor

from latelier.config.lookup import nearest
from latelier.data.packing.decode import flatten, no_bombs, opened
from latelier.errors import Refusal

MASKS = ("centre", "half", "random")
WHITE = 128  # grey level of 255 from which a pixel of a user's mask counts as white


def make(name: str, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Which pixels of images [n, c, h, w] are known: bool on the generator's device, [1, 1, h, w], or [n, 1, h, w]
    where each has a mask of its own.

    Missing are, by name, the middle half of each side (``centre``), the right half (``half``), or a random half of the
    pixels (``random``; a pixel is missing in all of its channels). Any other name is an image file, white where pixels
    are known and black where they are missing, and resized to the images without smoothing. Raises Refusal for a file
    that is none, or that leaves no pixel known or none missing.
    """
    n, _, h, w = shape
    if name not in MASKS:
        return read(Path(name), h, w).to(generator.device)
    known = torch.ones(1, 1, h, w, dtype=torch.bool, device=generator.device)
    if name == "centre":
        down, across = (h + 1) // 2, (w + 1) // 2
        top, left = (h - down) // 2, (w - across) // 2
        known[..., top : top + down, left : left + across] = False
    elif name == "half":
        known[..., w // 2 :] = False
    else:
        order = torch.rand(n, h * w, generator=generator, device=generator.device).argsort(1)
        known = (order < h * w // 2).view(n, 1, h, w)
    return known


def read(path: Path, h: int, w: int) -> Tensor:
    """A user's mask as bool [1, 1, h, w]. Raises Refusal as ``make`` does."""
    if not path.exists():
        raise Refusal(f'no mask "{path}": {nearest(str(path), list(MASKS))}, or a PNG, white where pixels are known')
    try:
        with no_bombs(), opened(str(path)) as image:
            small = flatten(image, set()).convert("L").resize((w, h), Image.Resampling.NEAREST)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise Refusal(f"mask {path} cannot be read{reason}; give a PNG, white where pixels are known") from error
    known = torch.from_numpy(np.asarray(small) >= WHITE)[None, None]
    if known.all() or not known.any():
        which = "white: nothing is missing" if known.all() else "black: nothing is known"
        raise Refusal(
            f"mask {path} is, at {h} x {w} pixels, all {which}; give one that is white where pixels are known and "
            "black where they are missing"
        )
    return known
