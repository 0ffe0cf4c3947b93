"""HALI, figures 1-7: reconstructions by level, samples, distances over training, inpainting, innovations, traversals.

    latelier reproduce adversary/sheets --data celeba --data-root DIR
    latelier reproduce adversary/sheets --data svhn --data-root DIR --size 32
    latelier reproduce adversary/sheets --data cifar10 --data-root DIR --size 32

Published are images of ImageNet and CelebA at 128 pixels, SVHN, CIFAR-10 and COCO, and curves of the distances on
ImageNet. The run is HALI as adversary/faces has it, at 64 pixels, with cycles, which the source has not.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, find_recipe
from latelier.bench.sheets import drawn

DATA = "scenes"
HOURS = "~2"
STATE = "rehearsed"
HALI: dict[str, Any] = find_recipe("adversary/control").HALI
EPOCHS = 10
TRAINING = {"size": 64, "batch": 64, "precision": "bf16", "decay": "linear", "validation": 0.05}
SHEETS = ("levels", "samples", "distances", "inpaint", "innovation", "level_traverse")


def reproduce(bench: Bench) -> Result:
    """One training and six sheets."""
    return drawn(bench, "A hierarchy", Job("HALI", "hali", epochs=EPOCHS, settings=HALI, training=TRAINING), SHEETS)
