"""BiGAN, table 1 and its code's log, on MNIST: nearest neighbours of codes, and reconstructions beside strangers.

    latelier reproduce adversary/bigan-mnist --data-root DIR

Published: 97.39 % of test digits are named by the nearest neighbour of their codes (Donahue et al. 2017, table 1, 400
epochs); the log that comes with the code has 92.1 %, and .62 for the ratio of reconstructions' distances to random
pairs'.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
SEEDS = 1
EPOCHS = 40
TRAINING = {"batch": 128, "decay": "linear"}


def reproduce(bench: Bench) -> Result:
    """One training a seed, and two scores."""
    jobs = [
        Job(score, "bigan", score, seed, EPOCHS, {}, TRAINING)
        for seed in range(bench.seeds)
        for score in ("probe", "embedded_distance")
    ]
    found = bench.measure(jobs)
    named = spread([one["kNN codes all %"] for one in found["probe"]])
    ratio = spread([one["pixels code"] / one["pixels code to others"] for one in found["embedded_distance"]], 3)
    rows = [["5 nearest neighbours of codes, %", "92.1", named], ["reconstructions / strangers", "0.62", ratio]]
    return Result("BiGAN on MNIST", ("", "published", "measured"), rows)
