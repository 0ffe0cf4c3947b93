"""How far a changed image is from what it was, in features of an untrained trunk (``extractor``): a judge
that knows neither the model nor the attribute."""

import torch
from torch import Tensor

from latelier.codes.rows import some
from latelier.data.images import Images
from latelier.nets.eval_mode import evaluating
from latelier.scores.extractor import CHUNK, RandomTrunk
from latelier.slices import Slices, done

REAL, BLOCK = 512, 8  # images between which the usual distance is measured, and how many are seen at once: a slice
WORDS = (
    "Identity: Euclidean distance of an image before and after in the 512 features of a trunk that nobody trained "
    "(those of the score fid), as a share of the mean distance between two different real images, whatever the "
    "model draws: 0 is the same image, 1 is another image."
)


class Eye:
    """Sees images [b, c, h, w] in [0, 1] as 512 numbers."""

    def __init__(self, device: torch.device):
        self._trunk = RandomTrunk().to(device)

    def __call__(self, image: Tensor) -> Tensor:
        with evaluating(self._trunk):
            parts = [self._trunk(part.clamp(0, 1).expand(-1, 3, -1, -1)).float() for part in image.split(CHUNK)]
        return torch.cat(parts)


def apart(one: Tensor, other: Tensor) -> Tensor:
    """[b] of features [b, d]."""
    distance: Tensor = (one - other).norm(dim=1)
    return distance


def usual(eye: Eye, real: Images, device: torch.device) -> float:
    """What an identity of 1 is: the mean distance between two different real images, of at most ``REAL`` of these.
    Not between a model's own: the more a model blurs, the less they differ."""
    return done(looking(eye, real, device))


def looking(eye: Eye, real: Images, device: torch.device) -> Slices[float]:
    """``usual`` in slices."""
    seen, images = list[Tensor](), some(real, REAL, 0)
    for start in range(0, len(images), BLOCK):
        seen.append(eye(images.floats(slice(start, start + BLOCK)).to(device)))
        yield start / len(images)
    return mean_distance(torch.cat(seen))


def mean_distance(features: Tensor) -> float:
    """Mean distance of each of [n, d] to the next, the last to the first; NaN for fewer than two."""
    return float(apart(features, features.roll(1, 0)).mean()) if len(features) > 1 else float("nan")
