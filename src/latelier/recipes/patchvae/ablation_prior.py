"""PatchVAE, table 5: the prior probability that a part occurs at a cell.

    latelier reproduce patchvae/ablation-prior --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "cifar100"
HOURS = "~11"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {
    "prior 0.01": 28.86,
    "prior 0.05": 28.67,
    "prior 0.1": 28.31,
}
VALUES = {
    "prior 0.01": 0.01,
    "prior 0.05": 0.05,
    "prior 0.1": 0.1,
}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    rows = {row: ("patchvae", {"prior": value}) for row, value in VALUES.items()}
    table: Result = find_recipe("patchvae/cifar100").compared(bench, PUBLISHED, rows)
    return table
