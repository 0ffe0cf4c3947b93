"""How a game that fails differs from one that does not, by the terms of its log, and what to say of it.

Who asks names the remedy: models have different settings."""

from torch import Tensor

from latelier.objectives import energy
from latelier.rules.samples import ALIKE
from latelier.rules.shared import PARTED, SETTLED

EVERY = 8192  # images between two looks at reconstructions
WINS = 0.98  # the critic's accuracy


def overwhelmed(terms: dict[str, float], remedy: str) -> list[str]:
    """Of a critic that wins."""
    if terms.get("critic accuracy", 0.0) <= WINS:
        return []
    return [f"the critic recognises nearly every drawn side, so training against it makes little progress: {remedy}"]


def parted(terms: dict[str, float], seen: int, level: str, remedy: str) -> list[str]:
    """Of an encoder and a decoder that have nothing to do with each other, by the lowest level's reconstructions."""
    if seen <= SETTLED or "other images" not in terms or terms[f"cycle {level}"] <= PARTED * terms["other images"]:
        return []
    return [
        "reconstructions are as far from their own images as from others, so encoder and decoder have come apart: "
        + remedy
    ]


def alike(terms: dict[str, float], seen: int, remedy: str) -> list[str]:
    """Of drawn images that are too near to each other."""
    if seen <= SETTLED or "drawn apart" not in terms or terms["drawn apart"] > ALIKE * terms["data apart"]:
        return []
    return [f"drawn images look all alike (a collapse onto few modes): {remedy}"]


def sample_distance(image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
    """[b]: the energy distance of drawn images from the batch's, of pixels, a root mean square one for images of any
    size. Nothing of a batch of one image, which has no spread."""
    if len(image) < 2:
        return {"sample distance": image.new_zeros(len(image))}
    sides = (side.float().flatten(1) for side in (image, drawn))
    return {"sample distance": energy.shares(*sides) / image[0].numel() ** 0.5}


def variety(image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
    """[b] each: how far images are from their neighbours in the batch, drawn ones and the data's."""
    return {"drawn apart": apart(drawn, drawn.roll(1, 0)), "data apart": apart(image, image.roll(1, 0))}


def apart(image: Tensor, other: Tensor) -> Tensor:
    """[b] squared distance, summed over pixels."""
    return (image - other).square().flatten(1).sum(1)
