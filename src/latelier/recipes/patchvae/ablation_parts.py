"""PatchVAE, table 3: the number of parts N.

    latelier reproduce patchvae/ablation-parts --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "cifar100"
HOURS = "~19"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {
    "4 parts": 27.59,
    "8 parts": 28.74,
    "16 parts": 28.94,
    "32 parts": 27.78,
    "64 parts": 29.00,
}
VALUES = {
    "4 parts": 4,
    "8 parts": 8,
    "16 parts": 16,
    "32 parts": 32,
    "64 parts": 64,
}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    rows = {row: ("patchvae", {"parts": value}) for row, value in VALUES.items()}
    table: Result = find_recipe("patchvae/cifar100").compared(bench, PUBLISHED, rows)
    return table
