"""Images that a user drops on the page: checked before they are decoded, turned into plain pixels, kept in memory."""

import ctypes
import io
import threading
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from latelier.data.packing.decode import Target, fit, flatten, is_grey, no_bombs, on_white, opened, turn_of
from latelier.data.packing.depth import is_deep
from latelier.errors import Refusal

PIXELS = 40_000_000  # that an image may have
DEEP = 10_000_000  # of more than 8 bits a value, which are read whole and as floats
SIDE = 1024  # px that an image is reduced to: no model here sees more
MOST, BYTES = 24, 48 << 20  # images, and bytes of their pixels, that are kept; the oldest go
STRIP = 64  # rows of the reduced image that are made at once


class Uploads:
    """Some images by an id that is a hash of the file: the same file gets the same id again. One is decoded at a time,
    whoever asks, and what that took is given back to the machine."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock, self._decoding = threading.Lock(), threading.Lock()

    def add(self, content: bytes) -> str:
        """The id of an image. Raises Refusal for what is none, or too large."""
        name = f"u{sha256(content).hexdigest()[:12]}"
        with self._decoding:
            try:
                picture = read(content)
            finally:
                give_back()
        with self._lock:
            self._kept[name] = picture
            self._kept.move_to_end(name)
            while len(self._kept) > MOST or self.bytes > BYTES:
                self._kept.popitem(last=False)
        return name

    @property
    def bytes(self) -> int:
        """Of the pixels that are kept, in memory: Pillow has four bytes for one of colour."""
        return sum(one.width * one.height * (1 if one.mode == "L" else 4) for one in self._kept.values())

    def pixels(self, name: str, image: tuple[int, int, int]) -> np.ndarray:
        """uint8 [h, w, c] for a model of images (c, h, w): the middle of the image. Raises Refusal for an id that is
        not kept."""
        with self._lock:
            picture = self._kept.get(name)
        if picture is None:
            raise Refusal("this image of your own is no longer here: drop the file on the page again")
        channels, height, width = image
        if height != width:
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
        return fit(picture, Target(height, width, channels, crop=height == width))

    def __len__(self) -> int:
        return len(self._kept)


def read(content: bytes) -> Image.Image:
    """An image of mode L or RGB, upright, at most ``SIDE`` px a side. Raises Refusal for what is none, or too
    large."""
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


def give_back() -> None:
    """Memory that is free goes back to the machine: glibc keeps what it was asked for in parts of megabytes."""
    with suppress(OSError, TypeError, AttributeError):  # another C library has no such function, and does it by itself
        ctypes.CDLL(None).malloc_trim(0)
