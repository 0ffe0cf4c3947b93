"""Codes, features and reconstructions of many images, each a row of a table.

Everything is deterministic (evaluation mode, most likely codes) and reads the images a block at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from latelier.core import Code, Decodes, Encodes, Features, Model, has, need
from latelier.data.images import Images
from latelier.device import mixed
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.nets.guarded import guard
from latelier.slices import Slices, done

BLOCK = 512  # images on the device at once
CACHED = 64  # on a CPU, where the maps of more leave its caches: a strided VAE at 32 px takes half the time
GATHERED, BYTES = 1024, 16 << 20  # rows of a table that are handed on together, and bytes of them at most
SIDE = 32  # px that raw pixels are averaged down to

Reads = Callable[[Tensor], Tensor]  # images [b, c, h, w] on the model's device -> [b, d]


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
    return rows_of(model, images, reads(model), batch=batch)


def features(model: Model, images: Images, depth: str, *, batch: int | None = None) -> np.ndarray:
    """The frozen trunk's activations at a named depth: float32 [n, d]. Raises Refusal for an unknown depth."""
    return rows_of(model, images, reads(model, depth), batch=batch)


def reads(model: Model, depth: str | None = None) -> Reads:
    """Images to codes, or to features at a depth of the trunk."""
    if depth is not None:
        trunk = need(model, Features)
        return lambda image: trunk.features(image, depth)
    encoder = need(model, Encodes)
    return lambda image: flat(encoder.encode(image).mode(), model)


def block_on(device: torch.device) -> int:
    """How many images are on that device at once."""
    return CACHED if device.type == "cpu" else BLOCK


def rows_of(model: Model, images: Images, read: Reads, *, batch: int | None = None) -> np.ndarray:
    """``read`` of every image, in order: float32 [n, d]."""
    return done(reading(model, images, read, batch=batch))


def reading(model: Model, images: Images, read: Reads, *, batch: int | None = None) -> Slices[np.ndarray]:
    """``rows_of``, a block a slice."""
    rows, start = np.empty((0, 0), np.float32), 0
    for block in blocks_of(model, images, read, batch=batch):
        if start == 0:
            rows = np.empty((len(images), block.shape[1]), np.float32)
        rows[start : start + len(block)] = block
        start += len(block)
        yield start / len(images)
    return rows


def blocks_of(
    model: Model, images: Images, read: Reads, *, batch: int | None = None, start: int = 0, stop: int | None = None
) -> Iterator[np.ndarray]:
    """The rows of ``rows_of``, a block at a time, from image ``start`` on, up to that of the block that reaches
    ``stop``."""
    if len(images) == 0:
        raise Refusal(f"{images.source or 'these images'}: there are no images to read")
    device = device_of(model)
    for image in up_to(images, batch or block_on(device), start, stop):
        with evaluating(model):
            block = read(image.to(device)).float().cpu().numpy()
        yield block


def up_to(images: Images, size: int, start: int, stop: int | None) -> Iterator[Tensor]:
    """``images.blocks``, up to the block that reaches ``stop``."""
    return islice(images.blocks(size, start), None if stop is None else -(-(stop - start) // size))


def gathered(blocks: Iterator[np.ndarray], rows: int = GATHERED, most: int = BYTES) -> Iterator[np.ndarray]:
    """The same rows in larger blocks, of ``rows`` or ``most`` bytes, whichever is reached first."""
    held: list[np.ndarray] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= rows or sum(one.nbytes for one in held) >= most:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def in_precision(model: Model, read: Reads, precision: str) -> Reads:
    """``read`` as it is in fp32, and in mixed precision in bf16."""
    computing = computes_in(model, precision)

    def computed(image: Tensor) -> Tensor:
        with computing():
            return read(image)

    return read if precision == "fp32" else computed


def computes_in(model: Model, precision: str) -> Callable[[], AbstractContextManager[object]]:
    """What computes with the model in fp32, as it is, or in mixed precision in bf16 (``mixed``); there its
    convolutions are guarded."""
    if precision == "fp32":
        return nullcontext
    guard(model)
    return partial(mixed, precision, device_of(model))


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
