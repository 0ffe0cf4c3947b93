"""PatchVAE, table 4: the size d_p of a part's appearance.

    latelier reproduce patchvae/ablation-appearance --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "cifar100"
HOURS = "~11"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {
    "3 numbers": 28.63,
    "6 numbers": 28.97,
    "9 numbers": 28.21,
}
VALUES = {
    "3 numbers": 3,
    "6 numbers": 6,
    "9 numbers": 9,
}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    rows = {row: ("patchvae", {"appearance": value}) for row, value in VALUES.items()}
    table: Result = find_recipe("patchvae/cifar100").compared(bench, PUBLISHED, rows)
    return table
