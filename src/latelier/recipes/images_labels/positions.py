"""Where drawn positions pay: the bounds of drawn and of deterministic unpooling at one length (Pu et al. 2016).

    latelier reproduce images-labels/positions --data-root DIR
    latelier reproduce images-labels/positions --data DIR/cifar100 --share 0.3

The source says that drawn unpooling is better and publishes no bound of it: the published columns are empty. "As
written" pools by drawn positions too, and learns them by the score function; in the other rows the code is read off
the largest values. All have sigma in closed form, so that rows differ in positions alone. Curves of the bound and of
the positions' divergence over images stand in each run's log.jsonl (`validation`).
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
HOURS = "~1.5"
STATE = "rehearsed; shorter runs stand on the page of dgdn"
SEEDS = 1
EPOCHS = 10
PUBLISHED: dict[str, float] = {}
CALIBRATED = {"likelihood": "calibrated"}
LARGEST = {**CALIBRATED, "pooling": "largest"}
ROWS: dict[str, dict[str, Any]] = {
    "as written": CALIBRATED,
    "score function": LARGEST,
    "relaxed": {**LARGEST, "estimator": "relaxed"},
    "exact": {**LARGEST, "estimator": "exact"},
    "deterministic (VAE-d)": {**LARGEST, "unpool": "deterministic"},
}
TRAINING: dict[str, Any] = {"batch": 64, "rate": 1e-3, "decay": "linear", "clip": 5.0, "precision": "bf16"}
TRAINING |= {"validation": 0.05}
NAMES = {"ELBO": "density ELBO nats/image", "IWAE-20": "density IWAE-20 nats/image", "KL": "KL nats/image"}


def reproduce(bench: Bench) -> Result:
    """A training and a score for each row and seed."""
    jobs = [
        Job(row, "dgdn", "likelihood", seed, EPOCHS, settings, TRAINING, {"samples": (1, 20)})
        for seed in range(bench.seeds)
        for row, settings in ROWS.items()
    ]
    found = bench.measure(jobs)
    rows = [
        [row, *(spread([one[name] for one in values], 1) for name in NAMES.values())] for row, values in found.items()
    ]
    note = (
        f"Nats a test image of the density of pixels in [0, 1]; mean ± sd over {bench.seeds} seeds, "
        f"{EPOCHS * bench.share:g} epochs each. KL: of code and positions together."
    )
    return Result("Where drawn positions pay", ("", *NAMES), rows, note=note)
