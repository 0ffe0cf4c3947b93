"""Milliseconds an image takes at test: its most likely code, and its class as ``latelier classify`` predicts it."""

import time
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from latelier.codes.rows import BLOCK, device_of
from latelier.core import Classifies, Encodes, Model, has, need
from latelier.nets.eval_mode import evaluating
from latelier.scores.common import Splits

needs = (Encodes,)
ON_REQUEST = True
LIMIT = BLOCK
ROUNDS = 3
PROTOCOL = (
    f"Seconds on a clock, in blocks of at most {BLOCK} test images, over the number of images; the least of {ROUNDS} "
    "rounds. Code: the most likely one. Class: the probabilities that latelier classify gives, where the model has "
    "a classifier: of all changed views (head.views) or samples of the code (head.draws) that its head averages, else "
    "of the most likely code. On the device and with the threads of the run that took the score."
)


def score(model: Model, data: Splits, generator: Generator, *, images: int = BLOCK) -> dict[str, float]:
    """As "code ms", and "class ms" of a model that predicts classes, on this many ``images``. ``generator`` is not
    used."""
    image = data.test.floats(slice(min(images, BLOCK))).to(device_of(model))
    values = {"code ms": timed(model, image, lambda: need(model, Encodes).encode(image).mode())}
    if has(model, Classifies):
        values["class ms"] = timed(model, image, lambda: need(model, Classifies).classify(image))
    return values


def timed(model: Model, image: Tensor, call: Callable[[], object]) -> float:
    """Milliseconds an image."""
    seconds = []
    for _ in range(ROUNDS):
        with evaluating(model):
            _wait(image)
            start = time.perf_counter()
            call()
            _wait(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds) / len(image)


def _wait(image: Tensor) -> None:
    if image.is_cuda:
        torch.cuda.synchronize()
