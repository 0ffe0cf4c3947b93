"""What a head reads of a model: which of its latents, of which images."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

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
