"""Parts of drawn scenes that are shapes: PatchVAE beside SpriteVAE, which differ in what a part may say.

    latelier reproduce patchvae/shapes

Nothing is published for this. Rows have seen as many images, but for one.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "~1"
STATE = "measured; nothing published"
SEEDS = 3
BESIDE = 1  # seeds, of the rows that are there for comparison
PATCHES: dict[str, Any] = {"beta_occurrence": 2.0, "warmup": 20_000, "optimiser.rate": 1e-3}
EPOCHS = 6.0  # of 8,000 images: 1,500 steps of 32
TRAINING = {"size": 64, "images": 8_000, "batch": 32, "decay": "linear", "precision": "bf16"}
BEST = "SpriteVAE"
ROWS: dict[str, tuple[str, dict[str, Any], float]] = {  # method, settings, epochs
    "PatchVAE, the best of patchvae/scenes": ("patchvae", PATCHES, EPOCHS),
    "SpriteVAE, twice as long": ("spritevae", {}, 2 * EPOCHS),
    BEST: ("spritevae", {}, EPOCHS),
}
SHOWN = (
    "AP any parts",
    "AP any parts matched",
    "AP any k-means",
    "AP any base",
    "AP class parts best part",
    "AP class k-means best part",
    "AP class base",
)


def reproduce(bench: Bench) -> Result:
    """A training and a score for each row and seed."""
    jobs = [
        Job(row, method, "part_consistency", seed, epochs, settings, TRAINING)
        for row, (method, settings, epochs) in ROWS.items()
        for seed in range(bench.seeds if row == BEST else min(bench.seeds, BESIDE))
    ]
    measured = bench.measure(jobs)
    rows = [[row, *(spread([one[name] for one in values], 3) for name in SHOWN)] for row, values in measured.items()]
    note = "Average precision on 2,000 test images, parts chosen on training images; see the score part_consistency."
    return Result("Parts that are shapes", ("", *SHOWN), rows, note=note)
