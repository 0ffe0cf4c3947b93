"""How unlike a set of images is each image, by four measures: reconstruction, bound, bound less complexity, and codes.

Likelihoods alone fail at it: models find simple images of another set likelier than those that they were trained on
(Nalisnick et al. 2019, arXiv 1810.09136). The third measure takes the length of the compressed image from the bound
(Serra et al. 2020, arXiv 1909.11480, eq. 1)."""

import io
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image
from torch import Generator, Tensor

from latelier.codes.rows import block_on, device_of, flat
from latelier.core import Decodes, Encodes, Model, Weighs, has, need
from latelier.data.images import Images
from latelier.learners.neighbours import Nearest
from latelier.nets.eval_mode import evaluating

MEASURES = {  # by the names of an option, what tables call them; of all, more is more unlike
    "distance": "distance in codes",
    "error": "reconstruction error",
    "bound": "negative bound",
    "ratio": "likelihood ratio",
}
NEIGHBOUR = 10  # an image is as far away as its 10th nearest training code
DRAWS = 8  # of the code, over which the bound is averaged
VALUES = 1 << 19  # pixel values decoded at once, over images and draws: bounds the memory
EMPTY_PNG = 57  # bytes of a PNG file without its pixels


class Known(NamedTuple):
    """What images are compared with."""

    codes: np.ndarray  # float32 [m, d], of the training images
    names: list[str]  # [m]; empty where none of the images to be measured is among them


def measured(model: Model) -> tuple[str, ...]:
    """Those of ``MEASURES`` that can be taken of a model that encodes."""
    weighs = ("bound", "ratio") if has(model, Weighs) else ()
    return ("distance", *(("error",) if has(model, Decodes) else ()), *weighs)


def outlying(model: Model, images: Images, known: Known, generator: Generator) -> dict[str, np.ndarray]:
    """float64 [n] of each measure that the model has.

    ``distance``: from the most likely code to the ``NEIGHBOUR``-th nearest of the training images' codes, of which the
    image's own is not one. ``error``: the mean square between the image and the mean image of that code. ``bound``:
    minus the ELBO in nats, by ``DRAWS`` draws. ``ratio``: that, of 8-bit values, minus the ``complexity``."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in measured(model)}
    index, own = Nearest(known.codes), _own(images, known)
    count = min(NEIGHBOUR, max(1, len(known.codes) - int((own >= 0).any())))
    for start, image in _blocks(model, images):
        with evaluating(model):
            code = need(model, Encodes).encode(image).mode()
            part = own[start : start + len(image)]
            found["distance"].append(_distance(flat(code, model).cpu().numpy(), index, part, count))
            if "error" in found:
                error = (need(model, Decodes).decode(code) - image).square().flatten(1).mean(1)
                found["error"].append(error.double().cpu().numpy())
        if "bound" in found:
            bound, ratio = bounds(model, image, images.pixels[start : start + len(image)], generator)
            found["bound"].append(bound)
            found["ratio"].append(ratio)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def bounds(model: Model, image: Tensor, pixels: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """``bound`` and ``ratio``, float64 [b], of images [b, c, h, w], whose 8-bit values [b, h, w, c] are ``pixels``."""
    weighs = need(model, Weighs)
    with evaluating(model):
        bound = -weighs.log_weight(image, DRAWS, generator).double().mean(0).cpu().numpy()
    dims = math.prod(image.shape[1:])
    # A density on [0, 1] is the probability of an 8-bit value times 256.
    nats = bound + (dims * math.log(256) if weighs.pixels == "continuous" else 0.0)
    return bound, nats - np.array([complexity(one) for one in pixels])


def complexity(pixels: np.ndarray) -> float:
    """Nats that PNG takes for the 8-bit values [h, w, c], without what an empty file takes."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)).save(
        file, "PNG", compress_level=9
    )
    return (len(file.getvalue()) - EMPTY_PNG) * 8 * math.log(2)


def block_of(model: Model) -> int:
    """Images that are measured at once."""
    most = VALUES // (DRAWS * math.prod(model.image)) if has(model, Weighs) else VALUES
    return max(1, min(block_on(device_of(model)), most))


def _blocks(model: Model, images: Images) -> Iterator[tuple[int, Tensor]]:
    """(place of the first, images [b, c, h, w]) on the model's device."""
    size, device = block_of(model), device_of(model)
    for number, image in enumerate(images.blocks(size)):
        yield number * size, image.to(device)


def _own(images: Images, known: Known) -> np.ndarray:
    """int64 [n], which of the known codes is the image's own; -1: none."""
    place = {name: number for number, name in enumerate(known.names)}
    return np.array([place.get(str(name), -1) for name in images.names]) if place else np.full(len(images), -1)


def _distance(codes: np.ndarray, index: Nearest, own: np.ndarray, count: int) -> np.ndarray:
    """float64 [b], to the ``count``-th nearest of the known codes but the image's own."""
    places, away = index.of(np.nan_to_num(codes), count + 1)
    away = np.sort(np.where(places == own[:, None], np.inf, away), 1)
    away[~np.isfinite(codes).all(1)] = np.inf
    return away[:, min(count, away.shape[1]) - 1]
