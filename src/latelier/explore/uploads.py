"""Images that a user drops on the page: checked before they are decoded, turned into plain pixels, kept in memory."""

import ctypes
import threading
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256

import numpy as np
from PIL import Image

from latelier.data.packing.single import read, seen
from latelier.errors import Refusal

MOST, BYTES = 24, 48 << 20  # images, and bytes of their pixels, that are kept; the oldest go


class Uploads:
    """Some images by an id that is a hash of the file: the same file gets the same id again. One is decoded at a time,
    for all pages together, and the memory that it took is given back to the machine."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock, self._decoding = threading.Lock(), threading.Lock()

    def add(self, content: bytes) -> str:
        """The id of an image. Raises Refusal for bytes that are no image, and for one too large."""
        name = f"u{sha256(content).hexdigest()[:12]}"
        with self._decoding:
            try:
                decoded = read(content)
            finally:
                give_back()
        with self._lock:
            self._kept[name] = decoded
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
            found = self._kept.get(name)
        if found is None:
            raise Refusal("this image of your own is no longer here: drop the file on the page again")
        return seen(found, image)

    def __len__(self) -> int:
        return len(self._kept)


def give_back() -> None:
    """Memory that is free goes back to the machine: glibc keeps what it was asked for in parts of megabytes."""
    with suppress(OSError, TypeError, AttributeError):  # another C library has no such function, and does it by itself
        ctypes.CDLL(None).malloc_trim(0)
