"""How many modes of a known mixture a model draws, and whether its reconstructions stay in theirs (ALI)."""

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.rows import BLOCK, rows_of
from latelier.core import Decodes, Encodes, Model, Samples, has, need
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.scores.common import Splits

needs = (Samples, Decodes)
NEEDS_MODES = True
LIMIT = 10_000
SAMPLES = 10_000
WITHIN = 3.0  # sds of the data around their modes
SHARE = 20  # a mode counts with one part in this many of an even share
PROTOCOL = (
    f"{SAMPLES:,} mean images of draws of the prior. Each belongs to the mode whose centre is nearest, and is of high "
    f"quality within {WITHIN:g} sds of it (Euclidean; the sd is that of the training pixels around their modes, over "
    "all coordinates, rounding to grey levels included). A mode is covered if at least one part in "
    f"{SHARE} of its even share of the samples, {SAMPLES // SHARE:,} by the number of modes, is there in high quality. "
    "Data: the share of test images of high quality, which a perfect sampler would reach. Stay in their mode: of "
    "test images, the share whose reconstruction, the mean image of the most likely code, is nearest to the image's "
    "own mode; stay within: and of high quality."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """Counts of modes and shares in percent. Raises Refusal for images without known modes."""
    if "mode" not in data.fit.truth or "mode" not in data.test.truth:
        raise Refusal(f"coverage: {data.test.source or 'these images'} have no known modes; give mixture")
    centres, reach = modes(data)
    values = counted(_drawn(model, generator), data, centres, reach)
    if has(model, Encodes):
        own = placed(data.test.truth["mode"], centres, reach)[0]
        again, near = placed(_reconstructed(model, data), centres, reach)
        values["reconstructions that stay in their mode %"] = 100 * float((again == own).mean())
        values["reconstructions that stay within %"] = 100 * float(((again == own) & near).mean())
    return values


def counted(points: np.ndarray, data: Splits, centres: np.ndarray, reach: float) -> dict[str, float]:
    """Of points [n, d], by a model or another sampler, and of the test images; ``modes`` has the rest."""
    mode, good = placed(points, centres, reach)
    counts = np.bincount(mode[good], minlength=len(centres))
    images = data.test.floats(slice(None)).flatten(1).numpy()
    return {
        "modes covered": float((counts >= len(points) / SHARE / len(centres)).sum()),
        "modes": float(len(centres)),
        "samples of high quality %": 100 * float(good.mean()),
        "data of high quality %": 100 * float(placed(images, centres, reach)[1].mean()),
    }


def modes(data: Splits) -> tuple[np.ndarray, float]:
    """Their centres [modes, d], and how far from one a point may be that is of high quality."""
    return np.unique(data.fit.truth["mode"], axis=0), WITHIN * spread(data)


def spread(data: Splits) -> float:
    """Root mean square of the training pixels' distance from their modes, one coordinate."""
    images = data.fit.floats(slice(None)).flatten(1).numpy()
    return float(np.sqrt(np.square(images - data.fit.truth["mode"]).mean(dtype=np.float64)))


def placed(points: np.ndarray, centres: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Of points [n, d] the number of the nearest centre [n], and whether it is within reach [n]. A point that is not a
    number is nowhere near."""
    distance = np.linalg.norm(np.nan_to_num(points, nan=np.inf)[:, None] - centres, axis=2)
    return distance.argmin(1), distance.min(1) <= reach


def _drawn(model: Model, generator: Generator) -> np.ndarray:
    prior, decoder, rows = need(model, Samples), need(model, Decodes), list[Tensor]()
    for start in range(0, SAMPLES, BLOCK):
        with evaluating(model):
            image = decoder.decode(prior.sample_prior(min(BLOCK, SAMPLES - start), generator))
        rows.append(image.flatten(1).float().cpu())
    return torch.cat(rows).numpy()


def _reconstructed(model: Model, data: Splits) -> np.ndarray:
    encoder, decoder = need(model, Encodes), need(model, Decodes)
    return rows_of(model, data.test, lambda image: decoder.decode(encoder.encode(image).mode()).flatten(1))
