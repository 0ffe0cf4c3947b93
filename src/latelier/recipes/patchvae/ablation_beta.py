"""PatchVAE, table 6: the weight of the occurrences' KL.

    latelier reproduce patchvae/ablation-beta --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
The paper quotes the weight times 96 latent dimensions over 3,072 pixels: .06, .3 and .6 are 2, 10 and 20.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "cifar100"
HOURS = "~11"
STATE = "rehearsed"
SEEDS = 1
PUBLISHED = {
    "beta_occ 0.06": 30.11,
    "beta_occ 0.3": 30.37,
    "beta_occ 0.6": 28.90,
}
VALUES = {
    "beta_occ 0.06": 2.0,
    "beta_occ 0.3": 10.0,
    "beta_occ 0.6": 20.0,
}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    rows = {row: ("patchvae", {"beta_occurrence": value}) for row, value in VALUES.items()}
    table: Result = find_recipe("patchvae/cifar100").compared(bench, PUBLISHED, rows)
    return table
