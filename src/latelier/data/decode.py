"""One picture file -> one array of uint8. Imports numpy and Pillow alone, so that a decoding process starts at once."""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, features

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "P", "PA"})  # those that need no remark of their own
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {  # its values -> what brings the picture upright; the last four swap height and width
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FORMATS = (  # whatever a file is called: each is read by Pillow itself, where of an EPS Ghostscript would be started
    *("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "TGA", "JPEG2000"),
    *(name for name in ("WEBP", "AVIF") if features.check(name.lower())),
)
GAP = 2.0  # pictures are shrunk cheaply (JPEG decoder, box filter) to this many times the size, then by Lanczos


class Target(NamedTuple):
    """What every picture is turned into."""

    height: int
    width: int
    channels: int
    crop: bool  # scale the shorter side and crop the centre (height = width); otherwise another size is a surprise


class SurpriseError(Exception):
    """A picture contradicts what the sample promised, or cannot be reached. ``args``: "size" or "source", and what it
    is."""


@contextmanager
def no_bombs() -> Iterator[None]:
    """Within it a picture beyond Pillow's pixel limit is an error, and Pillow does not chat about odd metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def opened(file: str | BinaryIO) -> Image.Image:
    """A picture whose pixels are not read yet. Raises OSError for what is no regular file (a pipe would be waited for)
    or in none of ``FORMATS``."""
    if isinstance(file, str) and not stat.S_ISREG(os.stat(file).st_mode):
        raise OSError("not a regular file")
    return Image.open(file, formats=FORMATS)


def probe(file: str | BinaryIO) -> tuple[bool, tuple[int, int]]:
    """Whether the picture is grey, and its (height, width) upright; reads little more than the header."""
    with opened(file) as image:
        width, height = image.size
        if (
            image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) > 4
        ):  # Pillow's TIFF reader has swapped already
            width, height = height, width
        return is_grey(image), (height, width)


def decode(file: str | BinaryIO, target: Target) -> tuple[np.ndarray, set[str]]:
    """uint8 [height, width, channels], and what had to be converted. Raises what Pillow raises on damaged files, and
    SurpriseError."""
    with opened(file) as image:
        found = {"frames"} if image.format in ("GIF", "WEBP", "PNG") and getattr(image, "is_animated", False) else set()
        if target.crop:
            side = int(GAP * target.height)
            image.draft(None, (side, side))
        image.load()
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
        grey = is_grey(image)
        plain = flatten(image, found)
    if not grey and target.channels == 1:
        found.add("colour")
    elif grey and target.channels == 3:
        found.add("grey")
    if turn is not None:
        found.add("turned")
    return fit(plain, target, turn), found


def fit(image: Image.Image, target: Target, turn: Image.Transpose | None = None) -> np.ndarray:
    """A picture of mode L or RGB as the target has it."""
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


def is_grey(image: Image.Image) -> bool:
    """Whether a picture has no colour by its mode, or by its palette."""
    if image.mode not in ("P", "PA"):
        return image.mode in GREY_MODES
    palette = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
    return bool((palette == palette[:, :1]).all())


def flatten(image: Image.Image, found: set[str]) -> Image.Image:
    """The picture in mode L or RGB, on white where it is transparent; adds to ``found`` what was done."""
    mode = "L" if is_grey(image) else "RGB"
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        found.add("deep")
        return _from_deep(image)
    if image.mode in ("P", "PA"):
        found.add("palette")
    elif image.mode not in GREY_MODES | COLOUR_MODES:
        found.add(image.mode)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        found.add("alpha")
        above = image.convert({"RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode)).convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(above)
    return image if image.mode == mode else image.convert(mode)


def _from_deep(image: Image.Image) -> Image.Image:
    """Sixteen bits scaled by their range: Pillow's own conversion to L cuts everything above 255 off."""
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):  # those two mean 16 bits by "I"
        raise ValueError("32-bit values, whose range is not known")
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))
