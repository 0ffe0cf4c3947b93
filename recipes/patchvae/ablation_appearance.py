"""PatchVAE, table 4: the size d_p of a part's appearance.

    latelier reproduce patchvae/ablation-appearance --data DIR/cifar100

Published: Gupta et al. 2020, CIFAR-100, Conv[1-5], one seed. The protocol is that of patchvae/cifar100.
"""

from latelier.bench import Bench, Job, Result, beside

DATA = "cifar100"
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
EPOCHS, PROBE = 90, 30
TRAINING = {"batch": 128, "precision": "bf16"}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each value and seed."""
    jobs = [
        Job(row, "patchvae", "frozen_probe", seed, EPOCHS, {"appearance": value}, TRAINING, {"epochs": PROBE})
        for seed in range(bench.seeds)
        for row, value in VALUES.items()
    ]
    found = {row: [one["accuracy %"] for one in values] for row, values in bench.measure(jobs).items()}
    note = (
        f"Accuracy on the test pictures in percent, trunk frozen, over {bench.seeds} seeds; learned without labels for "
        f"{EPOCHS * bench.share:g} epochs, where the published ones had {EPOCHS}."
    )
    return beside("CIFAR-100, Conv[1-5]", PUBLISHED, found, note)
