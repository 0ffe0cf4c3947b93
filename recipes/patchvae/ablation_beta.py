"""PatchVAE, table 6: the weight of the occurrences' KL.

    latelier reproduce patchvae/ablation-beta --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
The paper quotes the weight times 96 latent numbers over 3,072 pixels: .06, .3 and .6 are 2, 10 and 20.
"""

from latelier.bench import Bench, Job, Result, beside

DATA = "cifar100"
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
EPOCHS, PROBE = 90, 30
TRAINING = {"batch": 128, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    jobs = [
        Job(row, "patchvae", "frozen_probe", seed, EPOCHS, {"beta_occurrence": value}, TRAINING, {"epochs": PROBE})
        for seed in range(bench.seeds)
        for row, value in VALUES.items()
    ]
    found = {row: [one["accuracy %"] for one in values] for row, values in bench.measure(jobs).items()}
    note = (
        f"Accuracy on the test pictures in percent, trunk frozen, over {bench.seeds} seeds; learned without labels for "
        f"{EPOCHS * bench.share:g} epochs, where the published ones had {EPOCHS}."
    )
    return beside("CIFAR-100, Conv[1-5]", PUBLISHED, found, note)
