"""Milliseconds an image takes at test: its most likely code, and a prediction that averages draws."""

import time
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from latelier.core import Decides, Encodes, Model, has, need
from latelier.nets.modes import evaluating
from latelier.scores.common import BLOCK, Splits, device_of

needs = (Encodes,)
ON_REQUEST = True
LIMIT = BLOCK
ROUNDS = 3
DRAWS = 50
PROTOCOL = (
    f"Seconds on a clock, in blocks of at most {BLOCK} test images, over the number of images; the least of {ROUNDS} "
    f"rounds. Code: the most likely one. Prediction: decision values for {DRAWS} draws of the code, where there is a "
    "label head. On the device and with the threads of the run that took the score."
)


def score(model: Model, data: Splits, generator: Generator, *, images: int = BLOCK) -> dict[str, float]:
    """As "code ms", and "prediction ms" of a model with a label head, on so many ``images``."""
    image = data.test.floats(slice(min(images, BLOCK))).to(device_of(model))
    values = {"code ms": timed(model, image, lambda: need(model, Encodes).encode(image).mode())}
    if has(model, Decides):
        values["prediction ms"] = timed(model, image, lambda: need(model, Decides).decide(image, DRAWS, generator))
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
