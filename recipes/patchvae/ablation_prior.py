"""PatchVAE, table 5: the prior probability that a part occurs at a cell.

    latelier reproduce patchvae/ablation-prior --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Job, Result, beside

DATA = "cifar100"
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
EPOCHS, PROBE = 90, 30
TRAINING = {"batch": 128, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    jobs = [
        Job(row, "patchvae", "frozen_probe", seed, EPOCHS, {"prior": value}, TRAINING, {"epochs": PROBE})
        for seed in range(bench.seeds)
        for row, value in VALUES.items()
    ]
    found = {row: [one["accuracy %"] for one in values] for row, values in bench.measure(jobs).items()}
    note = (
        f"Accuracy on the test pictures in percent, trunk frozen, over {bench.seeds} seeds; learned without labels for "
        f"{EPOCHS * bench.share:g} epochs, where the published ones had {EPOCHS}."
    )
    return beside("CIFAR-100, Conv[1-5]", PUBLISHED, found, note)
