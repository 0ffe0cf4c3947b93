"""How much longer a training step takes where images without a label teach a head too.

    python benchmarks/unlabelled_steps.py [--threads 1] [--batch 64] [--models vae,classifier,dgdn]

Both nets of a pair are the same and see the same noise, an eighth or a half of it labelled as the head's default has
it; laps alternate, and the median of their ratios is told (aim 1.9). Rounds of propagation are not in it: they are some
seconds of a run. See README.md of this folder.
"""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from augment import STEPS, drawn
from laps import alternated, options, stepping

from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.device import multiply_fast, pick_device
from latelier.runs.building import assemble
from latelier.training.supervision import shares
from latelier.training.unlabelled import unlabelled_pay

SHAPES = ((1, 28, 28), (3, 32, 32))
CLASSES = 10
MODELS = "vae,classifier,dgdn"


def training(name: str, shape: tuple[int, int, int], batch: int) -> str:
    """A step with labels alone, and how many times as long one is with all images."""
    pixels = drawn(shape, STEPS * batch)
    label = np.where(np.arange(len(pixels)) % 4 == 0, np.arange(len(pixels)) % CLASSES, -1)
    n = len(pixels)
    images = Images(pixels, label, np.zeros((n, 0), np.int8), [[]] * n, [""] * n)
    given = unlabelled_pay(name, 100, CLASSES, min(shape[1:]), {"head": "softmax", "head.unlabelled": "consistent"})
    others = ("head.rounds", "head.views")  # of what images without a label take
    alone = {key: value for key, value in given.items() if key not in others} | {"head.unlabelled": "none"}
    sides = [step(name, images, shape, batch, settings) for settings in (alone, given)]
    laps = alternated(sides, [i * batch for i in range(STEPS)])
    plain = 1e3 * statistics.median(lap[0] for lap in laps) / STEPS
    ratio = statistics.median(lap[1] / lap[0] for lap in laps)
    return f"{name}, {'x'.join(map(str, shape))}: a step of {batch} {plain:.1f} ms; with all images {ratio:.2f}x"


def step(
    name: str, images: Images, shape: tuple[int, int, int], batch: int, settings: dict[str, object]
) -> Callable[[int], None]:
    """One step at a position."""
    torch.manual_seed(0)
    model, _ = assemble(name, shape, tuple(map(str, range(CLASSES))), dict(settings))
    multiply_fast(model)
    model = model.to(pick_device(), memory_format=torch.channels_last).train()
    batches = Batches(images, batch, seed=0, device=pick_device(), **shares(model))
    return stepping(model, batches)


def main() -> None:
    asked = options(__doc__, models=MODELS)
    for name in asked.models.split(","):
        for shape in SHAPES:
            print(training(name, shape, asked.batch), flush=True)


if __name__ == "__main__":
    main()
