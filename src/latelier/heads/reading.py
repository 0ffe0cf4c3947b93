"""What a head reads of a model: which of its latents, of which images."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.core import Code, Encodes, HasLevels, Model, has, need
from latelier.data.batches import Batches
from latelier.heads.label import flat

BLOCK = 128  # images whose codes are taken at once: more leave the caches of a CPU


def latents_read(model: Model) -> tuple[str, ...]:
    """The latents that a head reads: those that the model names, of a hierarchy the top level, otherwise all."""
    levels = need(model, HasLevels).levels()[-1:] if has(model, HasLevels) else ()
    return need(model, Encodes).read or levels or tuple(model.latents)


def width(model: Model) -> int:
    """Numbers that a head reads of the model's codes."""
    return sum(math.prod(model.latents[name].shape) for name in latents_read(model))


def map_of(model: Model) -> tuple[int, ...]:
    """Numbers a cell, rows and columns of what a head reads, where it is one map; otherwise none."""
    names = latents_read(model)
    shape = model.latents[names[0]].shape
    return shape if len(names) == 1 and len(shape) == 3 else ()


def in_blocks(batches: Batches, rows: Tensor, read: Callable[[Tensor], Code]) -> np.ndarray:
    """float32 [n, k]: what is read of the images at these rows, a block at a time."""
    return np.concatenate([flat(read(batches.rows(some).image)).float().cpu().numpy() for some in rows.split(BLOCK)])


def codes_of(model: Model, batches: Batches, rows: Tensor) -> np.ndarray:
    """float32 [n, k]: what a head reads of the most likely codes of the images at these rows."""
    encoder, names = need(model, Encodes), latents_read(model)

    def read(image: Tensor) -> Code:
        code = encoder.encode(image).mode()
        return {name: code[name] for name in names}

    return in_blocks(batches, rows, read)


def draws_alike(model: Model, image: Tensor, count: int) -> Iterator[Code]:
    """This many draws of the codes of images [b, c, h, w], the same ones each time and by the same noise for every
    image: what is read of one does not hang on its batch mates."""
    encoder, generator = need(model, Encodes), Generator(image.device).manual_seed(0)
    q = encoder.encode(image)
    for _ in range(count):
        code = q.alike(generator)
        yield one_by_one(encoder, image, generator) if code is None else code


def one_by_one(encoder: Encodes, image: Tensor, generator: Generator) -> Code:
    """The draws of posteriors that have no ``alike``, each from where the generator stands."""
    before, codes = generator.get_state(), []
    for one in image[:, None]:
        generator.set_state(before)
        codes.append(encoder.encode(one).sample(generator))
    return {name: torch.cat([code[name] for code in codes]) for name in codes[0]}


def typical(model: Model, image: Tensor, most: int | None = None) -> list[Code]:
    """What a reader of an image's code averages over: the most likely code, or draws where that is not typical, at
    ``most`` this many."""
    count = need(model, Encodes).averaged
    if not count:
        return [need(model, Encodes).encode(image).mode()]
    return list(draws_alike(model, image, count if most is None else min(count, most)))


def seen(model: Model, image: Tensor, generator: Generator) -> Code:
    """The most likely code of a changed view in training, or a draw where that is not typical."""
    q = need(model, Encodes).encode(image)
    return q.sample(generator) if need(model, Encodes).averaged else q.mode()
