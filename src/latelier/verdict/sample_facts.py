"""Named numbers of what a model draws of its prior, beside real images: a part of ``facts``."""

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import adaptive_avg_pool2d

from latelier.codes.rows import device_of
from latelier.core import Decodes, Model, Samples, need
from latelier.data.images import Images
from latelier.nets.eval_mode import evaluating
from latelier.scores.extractor import RandomTrunk, features
from latelier.scores.kid import distance

DRAWN = 200  # images of each set in a distance
SIDE = 64  # px that they are averaged down to
BLOCK = 128  # images on the device at once
LEAST = 1e-10  # mean squared difference; all images of a set may be equal


def drawn(model: Model, test: Images, known: np.ndarray) -> dict[str, float]:
    """Of samples beside test images, a Gaussian of the rows ``known`` [n, values] and their mean. All sets are of one
    size, so that their distances compare."""
    n = min(DRAWN, len(test))
    if n < 4:
        return {}
    sampler, decoder, generator = need(model, Samples), need(model, Decodes), Generator(device_of(model)).manual_seed(0)
    blocks = []
    for start in range(0, n, BLOCK):
        with evaluating(model):
            image = decoder.decode(sampler.sample_prior(min(BLOCK, n - start), generator))
        blocks.append(image.float().cpu())
    made, real = torch.cat(blocks), test.floats(slice(0, n))
    if not made.isfinite().all():
        return {"finite": 0.0}
    mean = torch.from_numpy(known.mean(0)).view(1, *test.shape).expand(n, -1, -1, -1)
    sets = {
        "drawn distance": made,
        "drawn distance of Gaussian": _gaussian(known, n).view(n, *test.shape),
        "drawn distance of mean": mean,
    }
    trunk, size = RandomTrunk(), (min(SIDE, test.shape[1]), min(SIDE, test.shape[2]))
    truth = features(trunk, [adaptive_avg_pool2d(real, size)]).astype(np.float64)
    facts = {
        name: distance(truth, features(trunk, [adaptive_avg_pool2d(image, size)]).astype(np.float64))
        for name, image in sets.items()
    }
    apart, usual = ((image - image.roll(1, 0)).square().mean() for image in (made, real))
    return facts | {"drawn apart": float(apart / usual.clamp(min=LEAST))}


def _gaussian(known: np.ndarray, n: int) -> Tensor:
    """n images of the Gaussian with the rows' mean and covariance, clipped: [n, values] in [0, 1]."""
    centred = torch.from_numpy(known - known.mean(0))
    noise = torch.randn(n, len(known), generator=Generator().manual_seed(0))
    drawn: Tensor = noise @ centred / len(known) ** 0.5 + torch.from_numpy(known.mean(0))
    return drawn.clamp(0, 1)
