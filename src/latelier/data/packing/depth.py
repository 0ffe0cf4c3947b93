"""Images of more than eight bits a value: what of them is black and what is white. Imports numpy and Pillow alone.

The range is one for a whole set: an image that is scaled by its own would look as bright as any other.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile

DEPTHS = (8, 10, 12, 14, 16)  # bits of cameras and the like; the values of 12 are 0 to 4,095
SAMPLED = 4096  # values that are kept of an image
RARE = 0.001  # share of the values, but for the outermost, that may lie outside the range
LEVELS = 16  # grey levels of 256 that all but these must not be pressed into
WHITE_IS_ZERO, PHOTOMETRIC, SAMPLE_FORMAT, UNSIGNED = 0, 262, 339, 1  # of TIFF
OTHER_HALF = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}

Span = tuple[float, float]  # black, white


class Measured(NamedTuple):
    """What an image says of its set."""

    low: float
    high: float
    whole: bool  # whole numbers, no floats
    sample: np.ndarray  # [at most SAMPLED] values from all over it


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether an image that is not loaded yet has values of more than eight bits that can be had whole."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16") or _colour_raw(image) is not None


def measure(image: ImageFile.ImageFile) -> Measured:
    """Of a deep image. Raises ValueError for values that are no numbers, and what Pillow raises on damaged files."""
    return _measured(_values(image)[0])


def _measured(values: np.ndarray) -> Measured:
    step = max(1, values.size // SAMPLED)
    whole = values.dtype.kind in "iu"
    return Measured(float(values.min()), float(values.max()), whole, values.reshape(-1)[::step][:SAMPLED])


def span_of(measured: Sequence[Measured]) -> Span:
    """Black and white for a set by a sample of it: of whole numbers from 0 on that sixteen bits hold, 0 and the largest
    value of the fewest bits; of all others the least and the greatest value. Where that would press the others into
    ``LEVELS`` of 256, all pixels of the greatest value, and of the least, are left out (marks, or no data), and one in
    ``1 / RARE`` of the rest (hot pixels). Two equal numbers where all values are one."""
    low, high = min(m.low for m in measured), max(m.high for m in measured)
    values = np.concatenate([m.sample for m in measured])
    between = values[(values > low) & (values < high)]
    least, most = (float(value) for value in np.quantile(between if between.size else values, (RARE, 1 - RARE)))
    if all(m.whole for m in measured) and low >= 0 and high < 1 << DEPTHS[-1]:
        whites = [float((1 << bits) - 1) for bits in DEPTHS]
        white = next(white for white in whites if white >= high)
        usual = next(white for white in whites if white >= most)
        return 0.0, usual if most > 0 and most * 256 <= white * LEVELS else white
    if 0 < (most - least) * 256 <= (high - low) * LEVELS:
        return least, most
    return low, high


def drawn(image: ImageFile.ImageFile, span: Span | None, found: set[str]) -> Image.Image:
    """A deep image in mode L or RGB, on white where it is transparent: ``span`` is black and white (None: those of
    this image alone), and what lies beyond is as black or as white. Adds to ``found`` what was done. Raises
    ValueError as ``measure`` does, and where black and white are one."""
    values, alpha = _values(image)
    low, high = span or span_of([_measured(values)])
    if low >= high:
        raise ValueError(f"all values are {low:g}, which says not what is black and what white; --range LO,HI does")
    found.add("deep")
    if values.min() < low or values.max() > high:
        found.add("clipped")
    exact = values.astype("f4" if values.dtype.itemsize <= 2 else "f8")
    eight = np.rint(((exact - low) * (255 / (high - low))).clip(0, 255)).astype(np.uint8)
    if image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # type: ignore[attr-defined]
        eight = 255 - eight
    if alpha is None:
        return Image.fromarray(eight)
    found.add("alpha")
    above = Image.merge("RGBA", [*Image.fromarray(eight).convert("RGB").split(), Image.fromarray(alpha)])
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(above)
    return page.convert("L" if eight.ndim == 2 else "RGB")


def _values(image: ImageFile.ImageFile) -> tuple[np.ndarray, np.ndarray | None]:
    """Values [h, w] or [h, w, 3], and uint8 [h, w] of how opaque they are, or None where all are. Loads the image."""
    raw = _colour_raw(image)
    if raw is None:
        image.load()
        values, alpha = np.asarray(image), None
        if image.mode == "I" and image.format == "TIFF":
            tag = image.tag_v2.get(SAMPLE_FORMAT, UNSIGNED)  # type: ignore[attr-defined]
            unsigned = (tag[0] if isinstance(tag, tuple) else tag) == UNSIGNED
            values = values.view(np.uint32) if unsigned else values
    elif raw.startswith("LA"):
        _read_as(image, "RGBA")  # two bytes of grey, two of alpha
        bytes_ = np.asarray(image)
        values, alpha = bytes_[..., 0].astype(np.uint16) << 8 | bytes_[..., 1], bytes_[..., 2]
    else:
        upper, lower = _halves(image, raw)
        values = upper[..., :3].astype(np.uint16) << 8 | lower[..., :3]
        alpha = upper[..., 3] if raw.startswith("RGBA") else None
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinite values")
    if alpha is None and (key := image.info.get("transparency")) is not None:
        same = values == np.asarray(key)
        alpha = np.where(same.all(-1) if values.ndim == 3 else same, 0, 255).astype(np.uint8)
    return values, alpha


def is_deep_grey_with_alpha(image: ImageFile.ImageFile) -> bool:
    """Whether an image that is not loaded yet is grey although Pillow says RGBA, for want of a mode for both."""
    return (_colour_raw(image) or "").startswith("LA")


def _colour_raw(image: ImageFile.ImageFile) -> str | None:
    """Pillow's name for how 16 bits a channel stand in the file, of images not loaded yet; it keeps their upper 8."""
    args = image.tile[0].args if len(image.tile) and image.format in ("PNG", "TIFF") else None
    raw = args[0] if isinstance(args, tuple) else args
    if not isinstance(raw, str) or not raw.startswith(("RGB;16", "RGBA;16", "RGBX;16", "LA;16")):
        return None
    return raw


def _halves(image: ImageFile.ImageFile, raw: str) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower bytes of 16-bit colour: read in the other byte order, the lower come out as the upper."""
    assert image.fp is not None
    image.fp.seek(0)
    with Image.open(image.fp, formats=(str(image.format),)) as again:
        _read_as(again, raw[:-1] + OTHER_HALF[raw[-1]])
        lower = np.asarray(again)
    image.load()
    return np.asarray(image), lower


def _read_as(image: ImageFile.ImageFile, raw: str) -> None:
    """Loads an image by another of Pillow's names for how its values stand in the file."""
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in image.tile
    ]
    image.load()
