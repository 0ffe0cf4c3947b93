"""Pu et al. 2016, table 3, from your own copy of Flickr8k, Flickr30k or MS COCO: two-step, joint, and joint with
uncaptioned images.

    latelier reproduce images-captions/table3 --data DIR --data-root DIR

DIR holds train and test folders of images (or Parquet), each with its captions.csv; images without captions beside
them are the uncaptioned ones of the last row, for which the source took ImageNet. Published figures are those of
Flickr8k. Made for a GPU; days on a CPU.
"""

from typing import Any

from latelier.bench import Bench, Result, find_recipe

DATA = "captioned"
HOURS = "~300"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED: dict[str, tuple[float, ...]] = find_recipe("images-captions/flickr8k").PUBLISHED
EPOCHS = 200  # half of them of images alone
NETS: dict[str, Any] = {"maps": (48, 84, 128, 192, 128), "kernels": (5,) * 5, "pools": (4, 2, 2, 2)}  # Flickr8k's
TRAINING: dict[str, Any] = {"size": 256, "batch": 64, "rate": 2e-4, "clip": 5.0, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed; the first two rows learn from captioned images alone."""
    protocol = find_recipe("images-captions/flickr8k")
    nets = {} if bench.rehearsed else NETS  # which 64 pixels are too small for
    table: Result = protocol.compared(bench, {"DGDN": ("dgdn", nets, {})}, TRAINING, EPOCHS, tuple(PUBLISHED))
    return table
