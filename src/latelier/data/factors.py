"""The known factors of images as whole numbers: what disentanglement is measured against."""

import numpy as np

from latelier.data.images import Images
from latelier.errors import Refusal

BINS = 10  # levels of a factor that is continuous


def binned(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """int64 [n]: the class of each of n values among ``BINS`` equal parts of the range from ``low`` to ``high``."""
    return np.clip(np.floor(BINS * (values - low) / (high - low)), 0, BINS - 1).astype(np.int64)


def known_factors(images: Images) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the factors and int64 [n, f], the level of each from 0 up; only factors that vary.

    Drawn sets have their own; of others the attributes count that every image has, then the class where every
    image has one. Raises Refusal where nothing is known."""
    if images.factors:
        names, values = images.factors, np.asarray(images.truth["levels"], np.int64)
    else:
        names, values = (
            (*images.attributes, "class"),
            np.column_stack([images.attribute, images.label]).astype(np.int64),
        )
    use = np.flatnonzero((values.min(0) >= 0) & (values.min(0) < values.max(0)))
    if len(use) == 0:
        raise Refusal(
            f"{images.source or 'these images'} have no known factors: give every image a label or attributes, or "
            "use drawn images (sprites, scenes)"
        )
    return tuple(names[i] for i in use), values[:, use]
