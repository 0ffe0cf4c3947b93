"""Kingma et al. 2014, table 1: errors on MNIST from 100 labels by M2 and by M1+M2.

    latelier reproduce rivals/m1m2 --data-root DIR --seeds 3

Published (arXiv 1406.5298): means over ten draws of the labels, ten a class, of 50,000 training images; codes of 50
numbers, nets of 500 and 600 units with softplus, RMSprop at 3e-4, alpha a tenth of the number of images for each
labelled one; how long it trains is not said. Ours: the same sizes with ReLU and tanh, Adam, 100 epochs with a rate that
falls linearly, half of every batch labelled, M1 and M2 at the same time where the source trains one after the other,
the posteriors of M2 on one trunk, and Bernoulli pixels of grey values. Beside them label propagation on pixels.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, beside

DATA = "mnist"
HOURS = "~6"
STATE = "measured at a share of 0.05; not reached"
SEEDS = 3
EPOCHS = 100
PUBLISHED = {"M2": 11.97, "M1+M2": 3.33}
METHODS = {"M2": "m2", "M1+M2": "m1m2"}
TRAINING: dict[str, Any] = {"labels": 10, "batch": 100, "decay": "linear", "validation": 1 / 6, "save_every": 5}
SPREAD = "label propagation on pixels"


def reproduce(bench: Bench) -> Result:
    """A training of each for each draw of ten labels a class."""
    jobs = [
        Job(row, METHODS[row], "probe", seed, EPOCHS, {}, TRAINING) for row in PUBLISHED for seed in range(bench.seeds)
    ]
    jobs += [
        Job(SPREAD, METHODS["M2"], "propagation", seed, EPOCHS, {}, TRAINING, {"depth": "pixels"})
        for seed in range(bench.seeds)
    ]
    found = bench.measure(jobs)
    errors = {row: [100 - one["head %"] for one in found[row]] for row in PUBLISHED}
    errors[SPREAD] = [100 - one["propagation pixels own labels %"] for one in found[SPREAD]]
    note = f"Error on the test images in percent, over {bench.seeds} draws of ten labels a class."
    return beside("MNIST from 100 labels", PUBLISHED, errors, note)
