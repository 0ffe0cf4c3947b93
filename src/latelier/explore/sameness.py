"""Which runs of a page show the same images, whatever their sources are called."""

from hashlib import sha256

import numpy as np

from latelier.data.images import Images

LOOKED_AT = 256  # images, spread evenly


def mark(images: Images) -> str:
    """A digest of number, shape and pixels (of all images, or of ``LOOKED_AT``, the first and the last among them). Two
    runs with labels files of their own see the same images; two that hold out others of one folder do not."""
    rows = np.unique(np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).round().astype(int))
    digest = sha256(repr((len(images), images.shape)).encode())
    for row in rows:
        digest.update(images.pixels[row].tobytes())
    return digest.hexdigest()[:16]
