"""Codes, features and reconstructions of many images, each a row of a table.

Everything is deterministic (evaluation mode, most likely codes) and reads the images a block at a time.
"""

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from latelier.core import Code, Decodes, Encodes, Features, Model, has, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.slices import Slices, done

BLOCK = 512  # images on the device at once
CACHED = 64  # on a CPU, where the maps of more leave its caches: a strided VAE at 32 px takes half the time
SIDE = 32  # px that raw pixels are averaged down to


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


def block_on(device: torch.device) -> int:
    """How many images are on that device at once."""
    return CACHED if device.type == "cpu" else BLOCK


def rows_of(model: Model, images: Images, read: Callable[[Tensor], Tensor], *, batch: int | None = None) -> np.ndarray:
    """``read`` (images [b, c, h, w] on the model's device -> [b, d]) of every image, in order: float32 [n, d]."""
    return done(reading(model, images, read, batch=batch))


def reading(
    model: Model, images: Images, read: Callable[[Tensor], Tensor], *, batch: int | None = None
) -> Slices[np.ndarray]:
    """``rows_of``, a block a slice."""
    if len(images) == 0:
        raise Refusal(f"{images.source or 'these images'}: there are no images to read")
    device, rows, start = device_of(model), np.empty((0, 0), np.float32), 0
    for image in images.blocks(batch or block_on(device)):
        with evaluating(model):
            block = read(image.to(device)).float().cpu().numpy()
        if start == 0:
            rows = np.empty((len(images), block.shape[1]), np.float32)
        rows[start : start + len(block)] = block
        start += len(block)
        yield start / len(images)
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
