"""PatchVAE on drawn scenes: how well parts find the shapes, by setting.

    latelier reproduce patchvae/scenes

Nothing is published for this. The first row's setting is what the others change one thing of.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "1.3"
STATE = "measured; nothing published"
SEEDS = 1
BASE: dict[str, Any] = {"beta_occurrence": 2.0}
CHANGES: dict[str, dict[str, Any]] = {
    "beta_occ 2, N 16, d_p 6": {},
    "beta_occ 1": {"beta_occurrence": 1.0},
    "beta_occ 5": {"beta_occurrence": 5.0},
    "beta_occ 10 (the paper's)": {"beta_occurrence": 10.0},
    "beta_occ risen over 20,000 images": {"warmup": 20_000},
    "N 8": {"parts": 8},
    "N 32": {"parts": 32},
    "d_p 3": {"appearance": 3},
    "d_p 12": {"appearance": 12},
    "prior .02": {"prior": 0.02},
    "temperature .5 at the start": {"temperature.start": 0.5},
    "L_w": {"reconstruction": "foreground"},
}
TRAINING = {"size": 64, "images": 8_000, "batch": 64, "rate": 1e-3, "precision": "bf16"}
LENGTHS = {"beta_occ 2, N 16, d_p 6": (5, 15)}  # epochs; 5 where nothing is said
SHOWN = (
    "AP any parts",
    "AP any k-means",
    "AP any base",
    "AP class parts best part",
    "AP class k-means best part",
    "AP class base",
)


def reproduce(bench: Bench) -> Result:
    """A training and a score for each setting, length and seed."""
    jobs = [
        Job(
            f"{row}, {epochs} epochs" if epochs != 5 else row,
            "patchvae",
            "part_consistency",
            seed,
            epochs,
            {**BASE, **change},
            TRAINING,
        )
        for seed in range(bench.seeds)
        for row, change in CHANGES.items()
        for epochs in LENGTHS.get(row, (5,))
    ]
    measured = bench.measure(jobs)
    rows = [[row, *(spread([one[name] for one in values], 3) for name in SHOWN)] for row, values in measured.items()]
    note = "Average precision on 2,000 test images, parts chosen on training images; see the score part_consistency."
    return Result("Parts of scenes", ("setting", *SHOWN), rows, note=note)
