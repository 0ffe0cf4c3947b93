"""BiGAN, table 1 and its code's log, on MNIST: nearest neighbours of codes, and reconstructions beside other images.

    latelier reproduce adversary/bigan-mnist --data-root DIR

Published: 97.39 % of test digits are named by the nearest neighbour of their codes among all training digits (Donahue
et al. 2017, table 1, 400 epochs); the log that comes with the code has 92.1 %, and .62 for the ratio of
reconstructions' distances to random pairs'. Beside them images themselves, and PCA of as many numbers.
"""

from latelier.bench import Bench, Job, Result, spread
from latelier.runs.run import Run

DATA = "mnist"
HOURS = "0.5"
STATE = "measured at 40 epochs of 400; the log's figure reached"
SEEDS = 1
EPOCHS = 40
TRAINING = {"batch": 128, "decay": "linear"}
RIVAL = "PCA, 50 numbers"


def reproduce(bench: Bench) -> Result:
    """One training a seed, a score, and nearest neighbours in three spaces."""
    jobs = [Job("BiGAN", "bigan", "embedded_distance", seed, EPOCHS, {}, TRAINING) for seed in range(bench.seeds)]
    linear = Job(RIVAL, "pca", "reconstruction", 0, 1, {"latent": 50}, {})
    found = bench.measure([*jobs, linear])["BiGAN"]
    runs, rival = [bench.train(job) for job in jobs], bench.train(linear)
    ratio = [one["pixels code"] / one["pixels code to others"] for one in found]
    rows = [
        ["named by the nearest code, %", "92.1", spread([nearest(run, bench) for run in runs])],
        [f"by the nearest code of {RIVAL}, %", "", spread([nearest(rival, bench)])],
        ["by the nearest image, %", "", spread([nearest(rival, bench, by_codes=False)])],
        ["reconstructions / other images", "0.62", spread(ratio, 3)],
    ]
    return Result("BiGAN on MNIST", ("", "published", "measured"), rows)


def nearest(run: Run, bench: Bench, *, by_codes: bool = True) -> float:
    """Test digits named by their nearest training digit, in percent: by the run's codes, or by raw pixels."""
    from sklearn.neighbors import KNeighborsClassifier

    from latelier.codes.rows import codes, pixels

    data = bench.splits(run)
    known, measured = (codes(run.model, one) if by_codes else pixels(one) for one in (data.fit, data.test))
    machine = KNeighborsClassifier(1).fit(known, data.fit.label)
    return 100 * float(machine.score(measured, data.test.label))
