"""Images that a user drops on the page: checked before they are decoded, turned into plain pixels, kept in memory."""

import io
import threading
from collections import OrderedDict
from hashlib import sha256

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from latelier.data.packing.decode import Target, fit, flatten, no_bombs, opened, turn_of
from latelier.errors import Refusal

PIXELS = 40_000_000  # that an image may have
SIDE = 1024  # px that an image is reduced to: no model here sees more
MOST = 24  # images that are kept; the oldest goes


class Uploads:
    """At most ``MOST`` images by an id that is a hash of the file: the same file gets the same id again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, content: bytes) -> str:
        """The id of an image. Raises Refusal for what is none, or too large."""
        name = f"u{sha256(content).hexdigest()[:12]}"
        picture = read(content)
        with self._lock:
            self._kept[name] = picture
            self._kept.move_to_end(name)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return name

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
            if image.width * image.height > PIXELS:
                raise Refusal(
                    f"this image has {image.width:,} x {image.height:,} pixels, and {PIXELS:,} are the most that is "
                    "opened here: make it smaller"
                )
            image.draft(None, (2 * SIDE, 2 * SIDE))
            plain = flatten(image, set()).copy()
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
