"""Pu et al. 2016, table 3, Flickr8k, from your own copy: two-step, joint, and joint with uncaptioned images.

    latelier reproduce images-captions/table3 --data DIR
    LATELIER_METEOR=meteor-1.5.jar latelier reproduce images-captions/table3 --data DIR

DIR holds train and test folders of images (or Parquet), each with its captions.csv; images without captions beside
them are the uncaptioned ones of the last row, for which the source took ImageNet. images-captions/flickr30k and
images-captions/coco are the same with those sets' nets and published figures. Made for a GPU; days on a CPU.
"""

from collections.abc import Mapping
from typing import Any

from latelier.bench import Bench, Result, find_recipe

DATA = "captioned"
HOURS = "~300"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED: dict[str, tuple[float, ...]] = find_recipe("images-captions/flickr8k").PUBLISHED
EPOCHS = 200  # half of them of images alone
MAPS = (48, 84, 128, 192, 128)
TRAINING: dict[str, Any] = {"size": 256, "batch": 64, "rate": 2e-4, "clip": 5.0, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed; the first two rows learn from captioned images alone."""
    return compared(bench, PUBLISHED, MAPS)


def compared(bench: Bench, published: Mapping[str, tuple[float, ...]], maps: tuple[int, ...]) -> Result:
    """The table with a data set's own figures and dictionaries."""
    nets: dict[str, Any] = {"maps": maps, "kernels": (5,) * 5, "pools": (4, 2, 2, 2)}
    encoders: dict[str, Any] = {
        "DGDN": ("dgdn", {} if bench.rehearsed else nets, {})
    }  # 64 pixels are too small for these nets
    protocol = find_recipe("images-captions/flickr8k")
    table: Result = protocol.compared(bench, encoders, TRAINING, EPOCHS, tuple(published), published)
    return table
