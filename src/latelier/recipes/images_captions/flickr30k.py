"""Pu et al. 2016, table 3, Flickr30k, from your own copy: two-step, joint, and joint with uncaptioned images.

    latelier reproduce images-captions/flickr30k --data DIR

The protocol is that of images-captions/table3; nets and published figures are the source's for Flickr30k. The
perplexity of its two-step row cannot be read in our copy.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "captioned"
HOURS = "~1300"
STATE = "rehearsed"
SEEDS = 1
MAPS = (48, 84, 128, 384, 256)
PUBLISHED: dict[str, tuple[float, ...]] = {  # in the order of images-captions/flickr8k's METRICS
    "two-step": (0.61, 0.41, 0.27, 0.17),
    "joint": (0.69, 0.50, 0.35, 0.22, 16.17),
    "joint, uncaptioned too": (0.72, 0.53, 0.38, 0.25, 15.34),
}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed."""
    table: Result = find_recipe("images-captions/table3").compared(bench, PUBLISHED, MAPS)
    return table
