"""One image that comes by itself, in bytes of whatever origin: checked before it is decoded, made small while it is."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from latelier.data.packing.decode import Target, fit, flatten, is_grey, no_bombs, on_white, opened, turn_of
from latelier.data.packing.depth import is_deep
from latelier.errors import Refusal

PIXELS = 40_000_000  # that an image may have
DEEP = 10_000_000  # of more than 8 bits a value, which are read whole and as floats
SIDE = 1024  # px that an image is reduced to: no model here sees more
STRIP = 64  # rows of the reduced image that are made at once


def read(content: bytes) -> Image.Image:
    """An image of mode L or RGB, upright, at most ``SIDE`` x ``SIDE`` px. Raises Refusal for bytes that are no image,
    or too large a one."""
    try:
        with no_bombs(), opened(io.BytesIO(content)) as image:
            most = DEEP if is_deep(image) else PIXELS
            if image.width * image.height > most:
                deep = " of more than 8 bits a value" if most == DEEP else ""
                raise Refusal(
                    f"this image has {image.width:,} x {image.height:,} pixels{deep}, and {most:,} are the most that "
                    "is opened here: make it smaller"
                )
            image.draft(None, (2 * SIDE, 2 * SIDE))
            plain = _plain(image)
            turn = turn_of(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal(f"this image has more than {PIXELS:,} pixels: make it smaller") from None
    except UnidentifiedImageError:
        raise Refusal("this file is no image that can be read: give PNG, JPEG, WEBP, GIF, BMP or TIFF") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"this image is damaged and cannot be read ({error}): give another copy of it") from error
    plain.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return plain if turn is None else plain.transpose(turn)


def _plain(image: ImageFile) -> Image.Image:
    """An image that is not loaded yet in mode L or RGB, averaged to hardly less than twice ``SIDE`` strip by strip: a
    second copy of all its pixels is never made."""
    by = max(image.size) // (2 * SIDE)
    if by < 2 or is_deep(image):
        return flatten(image, set()).copy()
    mode = "L" if is_grey(image) else "RGB"
    image.load()
    small = Image.new(mode, (-(-image.width // by), -(-image.height // by)))
    for top in range(0, image.height, STRIP * by):
        strip = image.crop((0, top, image.width, min(image.height, top + STRIP * by)))
        small.paste(on_white(strip, mode, set()).reduce(by), (0, top // by))
    return small


def seen(image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [h, w, c] for a model of images (c, h, w): the middle of an image of mode L or RGB."""
    channels, height, width = shape
    if height != width:
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return fit(image, Target(height, width, channels, crop=height == width))
