"""How far reconstructions are from their images for the model's own critic: HALI's discriminator-embedded distance
(equation 8)."""

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.rows import device_of
from latelier.core import Decodes, Encodes, Judges, Model, need
from latelier.nets.eval_mode import evaluating
from latelier.scores.common import Splits
from latelier.scores.levels import levels_of, reconstructed

needs = (Judges, Encodes, Decodes)
LIMIT = 2_000  # their pixels and embeddings are held in memory
PROTOCOL = (
    "Embedded: Euclidean distance between two images in the critic's last hidden layer, each embedded with its own "
    "most likely code, without dropout or noise (HALI, equation 8). Pixels: Euclidean distance of the images in [0, 1]."
    " Means over test images of the distance to their reconstructions, mean images of the most likely code of a level "
    "alone; to others: to the reconstruction of another test image, drawn by the seed. The critic knows nothing of the "
    "scale: compare levels and moments of one run, not runs."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """Mean distances by level, "embedded LEVEL", "embedded LEVEL to others", and the same in pixels."""
    levels, rows = levels_of(model), list[list[Tensor]]()
    for block in data.test.blocks():
        with evaluating(model):
            image = block.to(device_of(model))
            sets = [image, *reconstructed(model, image).values()]
            rows.append([read.cpu() for one in sets for read in (embedded(model, one), one.flatten(1))])
    found = [torch.cat(column) for column in zip(*rows, strict=True)]  # of images, then of each level; two each
    order = np.random.default_rng(generator.initial_seed() % 2**32).permutation(len(data.test))
    another = torch.from_numpy(order[(np.argsort(order) + 1) % len(order)])  # the next image in a drawn circle
    values = {}
    for place, kind in enumerate(("embedded", "pixels")):
        for level, again in zip(levels, found[2 + place :: 2], strict=True):
            values[f"{kind} {level}"] = float(distance(found[place], again).mean())
            values[f"{kind} {level} to others"] = float(distance(found[place], again[another]).mean())
    return values


def embedded(model: Model, image: Tensor) -> Tensor:
    """[b, d] of images [b, c, h, w]: what the critic makes of each and its most likely code."""
    return need(model, Judges).embed(image, need(model, Encodes).encode(image).mode())


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean, row by row: [b, d], [b, d] -> [b]."""
    apart: Tensor = torch.linalg.vector_norm(one - other, dim=1)
    return apart
