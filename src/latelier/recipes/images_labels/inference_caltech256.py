"""Pu et al. 2016, table 1, Caltech 256: the same as images-labels/inference.

    latelier reproduce images-labels/inference-caltech256 --data-root DIR

The source does not give its split: here 60 images a class are learned from, drawn by a fixed seed, and the others are
tested. Its nets are for 128 pixels; sampling has those of images-labels/inference-cifar100.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "caltech256"
HOURS = "~12"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {"Gibbs": (29.50, 52.3), "MCEM": (30.13, 8.9), "VAE-d": (32.18, 0.3), "VAE": (29.33, 0.3)}
NETS = {"maps": (48, 128), "kernels": (5, 5), "pools": (4,)}
ENCODER = {"maps": (48, 128, 128), "kernels": (7, 5, 5), "pools": (4, 2)}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed, an error and a time."""
    compared = find_recipe("images-labels/inference").compared
    table: Result = compared(bench, PUBLISHED, NETS, labels=2, own=ENCODER, size=128)
    return table
