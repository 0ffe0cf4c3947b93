"""What holds a game steady: ALI on 25 Gaussians, one thing changed at a time.

    latelier reproduce adversary/steady

Nothing is published for this. The first row's setting is what the others change.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "mixture"
SEEDS = 3
BASE: dict[str, Any] = {"net": "dense", "net.widths": (400, 400), "latent": 2, "critic.dropout": 0.0}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # row -> settings, arguments of latelier.train
    "no help": ({}, {}),
    "noise .05": ({"noise": 0.05}, {}),
    "dropout": ({"critic.dropout": 0.4}, {}),
    "weight norm": ({"critic.norm": "weight"}, {}),
    "spectral norm": ({"critic.norm": "spectral"}, {}),
    "batch norm": ({"critic.norm": "batch"}, {}),
    "R1, .1": ({"critic.r1": 0.1}, {}),
    "R1, 1": ({"critic.r1": 1.0}, {}),
    "rates falling": ({}, {"decay": "linear"}),
    "averaged weights": ({}, {"ema": 1}),
    "critic four times as fast": ({"critic.optimiser.rate": 8e-4}, {}),
}
EPOCHS = 40
TRAINING = {"batch": 256}
RATES = {"optimiser.rate": 2e-4, "critic.optimiser.rate": 2e-4}
SHOWN = ("modes covered", "samples of high quality %", "reconstructions that stay in their mode %")


def reproduce(bench: Bench) -> Result:
    """A training and a count for each row and seed."""
    jobs = [
        Job(row, "ali", "coverage", seed, EPOCHS, {**BASE, **RATES, **settings}, {**TRAINING, **arguments})
        for seed in range(bench.seeds)
        for row, (settings, arguments) in CHANGES.items()
    ]
    found = bench.measure(jobs)
    rows = [[row, *(spread([one[name] for one in values]) for name in SHOWN)] for row, values in found.items()]
    note = f"Of 25 modes, 10,000 samples and the test points; mean ± sd over {bench.seeds} seeds."
    return Result("What holds a game steady", ("", *SHOWN), rows, note=note)
