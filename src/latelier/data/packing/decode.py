"""One image file -> one array of uint8. Imports numpy and Pillow alone, so that a decoding process starts at once."""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from latelier.data.packing.depth import Measured, Span, drawn, is_deep, is_deep_grey_with_alpha, measure
from latelier.data.packing.formats import formats_of
from latelier.data.packing.png import without_long_text

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "P", "PA"})  # those that need no remark of their own
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {  # its values -> what brings the image upright; the last four swap height and width
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset(UPRIGHT[value] for value in (5, 6, 7, 8))
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
GAP = 2.0  # images are shrunk cheaply (JPEG decoder, box filter) to this many times the size, then by Lanczos


class Target(NamedTuple):
    """What every image is turned into."""

    height: int
    width: int
    channels: int
    crop: bool  # scale the shorter side and crop the centre (height = width); otherwise another size is a surprise
    span: Span | None = None  # black and white of values of more than 8 bits; None: an image with such is a surprise


class SurpriseError(Exception):
    """An image contradicts what the sample promised, or cannot be reached. ``args``: "size", "span" or "source", and
    what it is."""


@contextmanager
def no_bombs() -> Iterator[None]:
    """Within it an image beyond Pillow's pixel limit is an error, and Pillow does not chat about odd metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def opened(file: str | BinaryIO) -> Iterator[ImageFile]:
    """Yields an image whose pixels are not read yet. Raises OSError for what is no regular file (a pipe would be
    waited for) or in no format that Pillow itself reads, alone or with an extra."""
    with ExitStack() as stack:
        if isinstance(file, str):
            if not stat.S_ISREG(os.stat(file).st_mode):
                raise OSError("not a regular file")
            file = stack.enter_context(open(file, "rb"))
        file.seek(0)
        formats = formats_of(file)
        yield stack.enter_context(Image.open(without_long_text(file), formats=formats))


def probe(file: str | BinaryIO) -> tuple[bool, tuple[int, int], bool]:
    """Whether the image is grey, its (height, width) upright, and whether its values have more than 8 bits; reads
    little more than the header."""
    with opened(file) as image:
        width, height = image.size
        grey, deep = is_grey(image), is_deep(image)
        if image.format != "TIFF" and turn_of(image) in SIDEWAYS:  # Pillow's TIFF reader has swapped already
            width, height = height, width
        return grey, (height, width), deep


def probe_values(file: str | BinaryIO) -> Measured:
    """Of an image of more than 8 bits what it says of its set. Raises as ``decode`` does."""
    with opened(file) as image:
        return measure(image)


def decode(file: str | BinaryIO, target: Target) -> tuple[np.ndarray, set[str]]:
    """uint8 [height, width, channels], and what had to be converted. Raises what Pillow raises on damaged files, and
    SurpriseError."""
    with opened(file) as image:
        found = _frames(image)
        if target.crop:
            side = int(GAP * target.height)
            image.draft(None, (side, side))
        if target.span is None and is_deep(image):
            raise SurpriseError("span", image.mode)
        grey = is_grey(image)
        plain = flatten(image, found, target.span)
        turn = turn_of(image)
    if not grey and target.channels == 1:
        found.add("colour")
    elif grey and target.channels == 3:
        found.add("grey")
    if turn is not None:
        found.add("turned")
    return fit(plain, target, turn), found


def fit(image: Image.Image, target: Target, turn: Image.Transpose | None = None) -> np.ndarray:
    """An image of mode L or RGB as the target has it."""
    if target.crop:
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        image = image.resize((target.width, target.height), Image.Resampling.LANCZOS, box, GAP)
    if turn is not None:
        image = image.transpose(turn)
    if image.size != (target.width, target.height):
        raise SurpriseError("size", f"{image.height} x {image.width}")
    array = np.asarray(image.convert("L" if target.channels == 1 else "RGB"))
    return array.reshape(target.height, target.width, target.channels)


def turn_of(image: ImageFile) -> Image.Transpose | None:
    """What brings a loaded image upright, by its EXIF; None where it is. That of JPEG XL is turned already, and its
    EXIF says how it was (ISO/IEC 18181-2)."""
    return None if image.format == "JXL" else UPRIGHT.get(image.getexif().get(ORIENTATION, 1))


def is_grey(image: ImageFile) -> bool:
    """Whether an image that is not loaded yet has no colour by its mode, or by its palette."""
    if image.mode not in ("P", "PA"):
        return image.mode in GREY_MODES or is_deep_grey_with_alpha(image)
    palette = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
    return bool((palette == palette[:, :1]).all())


def flatten(image: ImageFile, found: set[str], span: Span | None = None) -> Image.Image:
    """An image that is not loaded yet in mode L or RGB, on white where it is transparent; adds to ``found`` what was
    done. ``span``: black and white of values of more than 8 bits; None takes the image's own."""
    if is_deep(image):
        return drawn(image, span, found)
    mode = "L" if is_grey(image) else "RGB"
    image.load()
    return on_white(image, mode, found)


def on_white(image: Image.Image, mode: str, found: set[str]) -> Image.Image:
    """A loaded image of 8 bits a value, or a part of one, in that mode, as ``flatten`` has it."""
    if image.mode in ("P", "PA"):
        found.add("palette")
    elif image.mode not in GREY_MODES | COLOUR_MODES:
        found.add(image.mode)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        found.add("alpha")
        above = image.convert({"RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode)).convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(above)
        return page.convert(mode)
    return image if image.mode == mode else image.convert(mode)


def _frames(image: ImageFile) -> set[str]:
    """What is left out of an image of several."""
    if not getattr(image, "is_animated", False):
        return set()
    return {"pages"} if image.format == "TIFF" else {"frames"} if image.format in ANIMATED else set()
