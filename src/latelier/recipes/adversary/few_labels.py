"""HALI, table 3: errors on MNIST from 100 labels, by a softmax on the codes of a game that sees all images.

    latelier reproduce adversary/few-labels --data-root DIR

Published: 73 errors in 10,000 (0.73 %). The source's nets for this are not given; these are
its table 4 for 28 pixels at a quarter of the maps, and no image is moved. The checkpoint is chosen on 10,000
validation images, never on test. The last rows are ours, to tell whether the game is of use; machines learn from the
100 labels that the game has seen, and from no others; so does label propagation on pixels, on 5,000 test images.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, beside

DATA = "mnist"
HOURS = "~2"
STATE = "rehearsed; not run since two faults were repaired"
SEEDS = 3
EPOCHS = 4
SETTINGS: dict[str, Any] = {
    "levels": (16, 64),
    "net.width": 0.25,
    "paired": True,
    "critic.r1": 0.1,
    "critic.r2": 0.1,
    "head.weight": 10.0,
}
TRAINING = {"labels": 10, "batch": 100, "precision": "bf16", "decay": "linear"}
TRAINING |= {"validation": 1 / 6, "save_every": 0.5, "monitor": "label errors"}
ALONE, MACHINE = "a classifier of the labelled alone", "a linear machine on HALI's frozen codes, all levels"
SPREAD = "label propagation on pixels"
PUBLISHED = {"HALI, 100 labels": 0.73}


def reproduce(bench: Bench) -> Result:
    """A training for each draw of ten labels a class, and one that never sees the other images."""
    (row,) = PUBLISHED
    alone = {**TRAINING, "monitor": "cross-entropy"}
    jobs = [Job(row, "hali", "probe", seed, EPOCHS, SETTINGS, TRAINING) for seed in range(bench.seeds)]
    jobs += [Job(ALONE, "classifier", "probe", seed, EPOCHS, {}, alone) for seed in range(bench.seeds)]
    pixels = {"depth": "pixels"}
    jobs += [
        Job(SPREAD, "hali", "propagation", seed, EPOCHS, SETTINGS, TRAINING, pixels) for seed in range(bench.seeds)
    ]
    found = bench.measure(jobs)
    errors = {row: [100 - one["head %"] for one in found[row]] for row in (*PUBLISHED, ALONE)}
    errors[MACHINE] = [100 - one["linear codes 10/class %"] for one in found[row]]
    errors["the same machine on pixels"] = [100 - one["linear pixels 10/class %"] for one in found[row]]
    errors[SPREAD] = [100 - one["propagation pixels own labels %"] for one in found[SPREAD]]
    note = f"Error on the test images in percent, mean ± sd over {bench.seeds} draws of ten labels a class."
    note += f" Naming the commonest class always: {100 - found[row][0]['majority %']:.1f}."
    return beside("MNIST from 100 labels", PUBLISHED, errors, note)
