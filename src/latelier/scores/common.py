"""What scores share: the two splits, rows chosen by a seed, and codes, features and reconstructions of many images.

Everything is deterministic (evaluation mode, most likely codes) and reads the images a block at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from latelier.core import Code, Decodes, Encodes, Features, Model, Refusal, has, need
from latelier.data.factors import known_factors
from latelier.data.images import Images
from latelier.nets.modes import evaluating
from latelier.scores.confusion import balanced_accuracy, uneven

if TYPE_CHECKING:
    from latelier.uses.directions import Found

BLOCK = 512  # images on the device at once
CACHED = 64  # on a CPU, where the maps of more leave its caches: a strided VAE at 32 px takes half the time
SIDE = 32  # px that raw pixels are averaged down to


class Splits(NamedTuple):
    """The images of a score."""

    fit: Images  # what probes may learn from: the training split
    test: Images  # what is measured
    seen: bool = False  # whether the model saw the test images in training
    found: "Found | None" = None  # where the run's attributes lie in its code; none: to be fitted on ``fit``

    told: int = 0  # labels that the model learned from
    taught: np.ndarray | None = None  # rows of ``fit`` whose labels these were; none: other pictures', or unknown
    learned: np.ndarray | None = None  # rows of ``fit`` that the model learned from, where --images asked for some

    @property
    def own(self) -> Images:
        """Of the images to fit on those alone that the model learned from, where that is known and any are there."""
        return self.fit if self.learned is None or not len(self.learned) else self.fit.take(self.learned)


def device_of(model: nn.Module) -> torch.device:
    """Where the model's weights are."""
    for tensor in chain(model.parameters(), model.buffers()):
        return tensor.device
    return torch.device("cpu")


def flat(code: Code, model: Model) -> Tensor:
    """The latents that tables of codes hold, side by side: [b, d] float32."""
    return torch.cat([code[name].flatten(1).float() for name in tabled(model)], 1)


def tabled(model: Model) -> tuple[str, ...]:
    """Names of the latents that tables of codes hold: those that the model names, or all as it declares them."""
    return (need(model, Encodes).read if has(model, Encodes) else ()) or tuple(model.latents)


def codes(model: Model, images: Images, *, batch: int | None = None) -> np.ndarray:
    """The most likely code of each image, its latents (``tabled``) flattened side by side: float32 [n, d]."""
    encoder = need(model, Encodes)
    return rows_of(model, images, lambda image: flat(encoder.encode(image).mode(), model), batch=batch)


def features(model: Model, images: Images, depth: str, *, batch: int | None = None) -> np.ndarray:
    """The frozen trunk's activations at a named depth: float32 [n, d]. Raises Refusal for an unknown depth."""
    trunk = need(model, Features)
    return rows_of(model, images, lambda image: trunk.features(image, depth), batch=batch)


def rows_at(score: str, model: Model, images: Images, depth: str | None) -> np.ndarray:
    """Codes, features at ``depth`` or pixels (depth "pixels"), float32 [n, d], for the score of that name. Raises
    Refusal for an unknown depth."""
    if depth is None:
        return codes(model, images)
    if depth == "pixels":
        return pixels(images)
    if not has(model, Features):
        raise Refusal(f"{score}: this model has no features, so no depth '{depth}'; leave the depth out")
    return features(model, images, depth)


def space(score: str, model: Model, data: Splits, depth: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Both splits in the space of codes, of features at ``depth`` or of pixels (depth "pixels"), float32 [n, d],
    centred on the first and scaled by one number to a mean squared norm of 1. Raises Refusal for an unknown depth."""
    known, measured = (rows_at(score, model, images, depth) for images in (data.fit, data.test))
    centre = known.mean(0)
    norm = np.float32(np.linalg.norm(known - centre) / len(known) ** 0.5) or np.float32(1)
    return (known - centre) / norm, (measured - centre) / norm


def block_on(device: torch.device) -> int:
    """How many images are on that device at once."""
    return CACHED if device.type == "cpu" else BLOCK


def rows_of(model: Model, images: Images, read: Callable[[Tensor], Tensor], *, batch: int | None = None) -> np.ndarray:
    """``read`` (images [b, c, h, w] on the model's device -> [b, d]) of every image, in order: float32 [n, d]."""
    if len(images) == 0:
        raise Refusal(f"{images.source or 'these images'}: there are no pictures to read")
    device, rows, start = device_of(model), np.empty((0, 0), np.float32), 0
    for image in images.blocks(batch or block_on(device)):
        with evaluating(model):
            block = read(image.to(device)).float().cpu().numpy()
        if start == 0:
            rows = np.empty((len(images), block.shape[1]), np.float32)
        rows[start : start + len(block)] = block
        start += len(block)
    return rows


def pixels(images: Images) -> np.ndarray:
    """Raw pixels in [0, 1], averaged over areas down to at most ``SIDE`` a side: float32 [n, d]."""
    _, height, width = images.shape
    size = (min(height, SIDE), min(width, SIDE))
    small = (height, width) == size
    blocks = (block if small else adaptive_avg_pool2d(block, size) for block in images.blocks())
    return np.concatenate([block.flatten(1).numpy() for block in blocks])


def reconstructions(model: Model, images: Images, *, batch: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of (image, mean image of its most likely code), both [b, c, h, w] on the model's device."""
    encoder, decoder, device = need(model, Encodes), need(model, Decodes), device_of(model)
    for block in images.blocks(batch or block_on(device)):
        image = block.to(device)
        with evaluating(model):
            mean = decoder.decode(encoder.encode(image).mode())
        yield image, mean


def some(images: Images, limit: int, seed: int, *, labelled: bool = False) -> Images:
    """At most ``limit`` of the images (with ``labelled`` of those with a label), drawn by ``seed``, in their order."""
    rows = np.flatnonzero(images.label >= 0) if labelled else np.arange(len(images))
    if len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    return images if len(rows) == len(images) else images.take(rows)


def factors_of(data: Splits) -> tuple[str, ...]:
    """Names of the factors that are known of every image and vary, in both splits; empty where there are none."""
    try:
        fit, test = known_factors(data.fit)[0], known_factors(data.test)[0]
    except Refusal:
        return ()
    return tuple(name for name in test if name in fit)


def majority(label: np.ndarray) -> float:
    """The share of the commonest class among those labelled, in percent: what naming it always gets right."""
    counts = np.unique(label[label >= 0], return_counts=True)[1]
    return 100 * float(counts.max() / counts.sum()) if len(counts) else 0.0


def constant(label: np.ndarray) -> dict[str, float]:
    """``accuracies`` of always answering the commonest class of these labels, all of which are known, as "majority"."""
    common = np.bincount(label).argmax()
    return {f"{name} %": value for name, value in accuracies("majority", np.full(len(label), common), label).items()}


def accuracies(name: str, answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """In percent: the share of answers [n] that are right, by its name, and "balanced NAME", its mean over the classes,
    where a class of the truth [n] has over 1.5 times the images of another."""
    values = {name: 100 * float((answer == truth).mean())}
    if uneven(truth):
        values[f"balanced {name}"] = 100 * balanced_accuracy(truth, answer)
    return values


def even(values: Mapping[str, float]) -> str:
    """The word before the names of accuracies that are judged: "balanced", means over the classes, where one of these
    has over 1.5 times the images of another, since probes learn from as many labels of each."""
    return "balanced " if "balanced majority %" in values else ""


def errors(name: str, answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What ``accuracies`` leave to 100."""
    return {key: 100 - value for key, value in accuracies(name, answer, truth).items()}


def spread(name: str, values: list[float]) -> dict[str, float]:
    """The mean by its name, and "NAME sd" where there are several."""
    mean = {name: float(np.mean(values))}
    return mean | ({f"{name} sd": float(np.std(values, ddof=1))} if len(values) > 1 else {})


def averaged(space: str, budget: str, drawn: list[dict[str, float]]) -> dict[str, float]:
    """Of each method over the draws of labels, and the sd, by "METHOD SPACE BUDGET %"."""
    means = [spread(f"{method} {space} {budget} %", [one[method] for one in drawn]) for method in drawn[0]]
    return {name: value for mean in means for name, value in mean.items()}
