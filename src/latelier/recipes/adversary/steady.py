"""What holds a game steady: HALI on small digits, one thing changed at a time.

    latelier reproduce adversary/steady

Nothing is published for this. The first row is what the others change: what HALI's defaults were before it had cycles,
with nets for 8x8 pixels. Ratios are of distances in pixels, a test image's reconstruction from it by that from
others: 1 says that encoder and decoder have nothing to do with each other.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "digits"
HOURS = "~0.2"
STATE = "measured; nothing published"
SEEDS = 1
BASE: dict[str, Any] = {"levels": (8, 16), "net.width": 0.25}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # row -> settings, arguments of latelier.train
    "as it is": ({}, {}),
    "codes begin with sd .9 about their means": ({"first_sd": 0.9}, {}),
    "one rate, 3e-4": ({"critic.optimiser.rate": 3e-4}, {}),
    "one rate, 1e-3": ({"optimiser.rate": 1e-3}, {}),
    "ALI's rate for both, 1e-4": ({"optimiser.rate": 1e-4, "critic.optimiser.rate": 1e-4}, {}),
    "first weights ALI's, sd .01": ({"spread": 0.01}, {}),
    "no noise on images": ({"noise": 0.0}, {}),
    "noise .2": ({"noise": 0.2}, {}),
    "the table's dropout": ({"critic.dropout": 1.0}, {}),
    "spectral norm": ({"critic.norm": "spectral"}, {}),
    "pairs compared, R1 and R2, .1": ({"paired": True, "critic.r1": 0.1, "critic.r2": 0.1}, {}),
    "averaged weights": ({}, {"ema": 2}),
}
EPOCHS = 60
TRAINING = {"batch": 64, "decay": "linear"}


def reproduce(bench: Bench) -> Result:
    """A training and a score for each row and seed."""
    jobs = [
        Job(row, "hali", "embedded_distance", seed, EPOCHS, {**BASE, **settings}, {**TRAINING, **arguments})
        for seed in range(bench.seeds)
        for row, (settings, arguments) in CHANGES.items()
    ]
    rows = [
        [row, *(spread([one[f"pixels {z}"] / one[f"pixels {z} to others"] for one in values], 2) for z in ("z1", "z2"))]
        for row, values in bench.measure(jobs).items()
    ]
    note = f"Mean ± sd over {bench.seeds} seeds, {EPOCHS} epochs each."
    return Result("What holds a game steady", ("", "ratio from z1", "ratio from z2"), rows, note=note)
