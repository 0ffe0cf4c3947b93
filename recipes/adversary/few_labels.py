"""HALI, table 3: errors on MNIST from 100 labels, by a softmax on the codes of a game that sees all pictures.

    latelier reproduce adversary/few-labels --data-root DIR

Published: 73 errors in 10,000 (0.73 %). The source's nets for this are not given.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
SEEDS = 3
EPOCHS = 20
SETTINGS = {"levels": (16, 64), "width": 0.25}
TRAINING = {"labels": 10, "batch": 100, "precision": "bf16", "rate": 3e-4, "shift": 2}
PUBLISHED = 0.73


def reproduce(bench: Bench) -> Result:
    """A training for each draw of ten labels a class, and the encoder alone on the same labels."""
    jobs = [Job("HALI", "hali", "probe", seed, EPOCHS, SETTINGS, TRAINING) for seed in range(bench.seeds)]
    values = bench.measure(jobs)["HALI"]
    errors = [100 - one["head %"] for one in values]
    rows = [["HALI, 100 labels", f"{PUBLISHED:.2f}", spread(errors)]]
    note = f"Error on the test pictures in percent, mean ± sd over {bench.seeds} draws of labels."
    return Result("MNIST from 100 labels", ("", "published", "measured"), rows, note=note)
