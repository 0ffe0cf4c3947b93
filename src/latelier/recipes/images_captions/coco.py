"""Pu et al. 2016, table 3, MS COCO, from your own copy: two-step, joint, and joint with uncaptioned images.

    latelier reproduce images-captions/coco --data DIR

The protocol is that of images-captions/table3; nets and published figures are the source's for MS COCO. METEOR is
measured where LATELIER_METEOR names its jar.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "captioned"
HOURS = "~5000"
STATE = "rehearsed"
SEEDS = 1
MAPS = (48, 84, 128, 512, 384)
PUBLISHED: dict[str, tuple[float, ...]] = {  # in the order of images-captions/flickr8k's METRICS
    "two-step": (0.61, 0.42, 0.27, 0.18, 13.46, 0.58, 0.20),
    "joint": (0.71, 0.51, 0.38, 0.26, 11.57, 0.89, 0.22),
    "joint, uncaptioned too": (0.72, 0.52, 0.37, 0.28, 11.14, 0.90, 0.24),
}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed."""
    table: Result = find_recipe("images-captions/table3").compared(bench, PUBLISHED, MAPS)
    return table
