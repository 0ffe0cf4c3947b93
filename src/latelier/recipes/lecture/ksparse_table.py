"""Lecture, table 1: error of logistic regression on 1000 units learned without labels (MNIST).

    latelier reproduce lecture/ksparse-table --data-root DIR --seeds 2

Published: Makhzani & Frey 2013, table 1, after up to 5000 epochs. Here each method is trained for 20 epochs of all
60,000 training images; C of the regression is chosen on 10,000 of them that it does not learn from, rates and epochs
were chosen there too. k-sparse features keep 3k numbers.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
HOURS = "0.5"
STATE = "measured at 20 epochs, the source's up to 5,000; no row reached, the order is"
SEEDS = 2
PUBLISHED = {
    "raw pixels": 7.20,
    "RBM": 1.81,
    "dropout autoencoder": 1.80,
    "denoising autoencoder": 1.95,
    "dropout + denoising autoencoder": 1.60,
    "k-sparse, k = 10": 2.10,
    "k-sparse, k = 25": 1.35,
    "k-sparse, k = 40": 1.54,
}
UNITS = {"net": "mlp", "net.widths": (), "latent": 1000, "code": "relu"}
NOISE = {"corruption": "masking", "corruption.share": 0.2}
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 20


def reproduce(bench: Bench) -> Result:
    """One training a method and seed; raw pixels need none, and are read beside the first."""
    jobs = []
    for seed in range(bench.seeds):
        for row, settings in {
            "dropout autoencoder": {**UNITS, "dropout": 0.5},
            "denoising autoencoder": {**UNITS, **NOISE},
            "dropout + denoising autoencoder": {**UNITS, **NOISE, "dropout": 0.5},
        }.items():
            jobs.append(Job(row, "autoencoder", "logistic", seed, EPOCHS, settings, TRAINING))
        for k in (10, 25, 40):
            settings, options = {"k": (k,)}, {"depth": "layer1"}
            jobs.append(Job(f"k-sparse, k = {k}", "ksparse", "logistic", seed, EPOCHS, settings, TRAINING, options))
        jobs.append(Job("RBM", "rbm", "logistic", seed, 1, {"epochs": max(1, round(15 * bench.share))}))
    jobs.append(Job("raw pixels", "pca", "logistic", 0, 1, {}, options={"depth": "pixels"}))
    measured = bench.measure(jobs)
    rows = [
        [row, f"{published:.2f}", spread([values["error %"] for values in measured[row]])]
        for row, published in PUBLISHED.items()
    ]
    guess = measured["raw pixels"][0]["majority error %"]
    note = (
        f"Error on the test images in percent, where naming the commonest class has {guess:.1f}; mean ± sd over "
        f"{bench.seeds} seeds (of weights, order and noise)."
    )
    return Result(
        "Logistic regression on 1000 unsupervised units", ("method", "published", "measured"), rows, note=note
    )
