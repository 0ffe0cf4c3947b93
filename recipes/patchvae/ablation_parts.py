"""PatchVAE, table 3: the number of parts N.

    latelier reproduce patchvae/ablation-parts --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Job, Result, beside

DATA = "cifar100"
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
EPOCHS, PROBE = 90, 30
TRAINING = {"batch": 128, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    jobs = [
        Job(row, "patchvae", "frozen_probe", seed, EPOCHS, {"parts": value}, TRAINING, {"epochs": PROBE})
        for seed in range(bench.seeds)
        for row, value in VALUES.items()
    ]
    found = {row: [one["accuracy %"] for one in values] for row, values in bench.measure(jobs).items()}
    note = (
        f"Accuracy on the test pictures in percent, trunk frozen, over {bench.seeds} seeds; learned without labels for "
        f"{EPOCHS * bench.share:g} epochs, where the published ones had {EPOCHS}."
    )
    return beside("CIFAR-100, Conv[1-5]", PUBLISHED, found, note)
