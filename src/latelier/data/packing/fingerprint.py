"""The fingerprint of images by which runs know them again: over pixels, labels, attributes and words."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np

from latelier.data.rows import BLOCK, Absent

PIECE = 1 << 17  # labels that are hashed at once


def fingerprint(
    pixels: str,
    label: np.ndarray,
    attribute: np.ndarray,
    captions: Sequence[Sequence[str]],
    classes: Sequence[str],
    attributes: Sequence[str],
) -> str:
    """32 hexadecimal digits. ``pixels``: their digest. ``label``: int64 [n]; ``attribute``: int8 [n, a]. Labels and
    captions are taken block by block, to the digest of all of them at once."""
    digest = sha256(pixels.encode())
    for values in (label, attribute):
        for start in range(0, len(values), PIECE):
            digest.update(np.ascontiguousarray(values[start : start + PIECE]).data)
    digest.update(b"[[")
    for part in _parts(captions):
        digest.update(part.encode())
    digest.update(f"], {json.dumps(classes)}, {json.dumps(attributes)}]".encode())
    return digest.hexdigest()[:32]


def _parts(captions: Sequence[Sequence[str]]) -> Iterator[str]:
    """Their list in JSON, without its brackets; nothing where no image has any."""
    if isinstance(captions, Absent) or not any(captions):
        return
    for start in range(0, len(captions), BLOCK):
        block = [list(texts) for texts in captions[start : start + BLOCK]]
        yield (", " if start else "") + json.dumps(block)[1:-1]
