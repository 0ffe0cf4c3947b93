"""Pu et al. 2016, table 1, CIFAR-10: the same as images-labels/inference.

    latelier reproduce images-labels/inference-cifar10 --data-root DIR

Sampling has nets of one pooling here, where the source's have two; its machines learn from two images a class.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "cifar10"
HOURS = "~7"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {"Gibbs": (8.21, 10.4), "MCEM": (9.04, 1.1), "VAE-d": (10.74, 0.02), "VAE": (8.19, 0.02)}
NETS = {"maps": (48, 128), "kernels": (5, 5), "pools": (4,)}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed, an error and a time."""
    table: Result = find_recipe("images-labels/inference").compared(bench, PUBLISHED, NETS, labels=2)
    return table
