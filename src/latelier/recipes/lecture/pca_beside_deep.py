"""Lecture, Hinton & Salakhutdinov's figure: two-number codes of PCA and of a deep autoencoder, side by side (MNIST).

    latelier reproduce lecture/pca-beside-deep --data-root DIR

Published is the image alone. The autoencoder is theirs, 784-1000-500-250-2 with logistic units and a linear code,
here trained by Adam, its layers one by one over a quarter of the run and then together.
"""

from latelier.bench import Bench, Job, Result
from latelier.sheets import draw_sheet

DATA = "mnist"
HOURS = "0.1"
STATE = "measured; published is the image"
DEEP = {
    "net": "mlp",
    "net.widths": (1000, 500, 250),
    "net.activation": "sigmoid",
    "net.decoder_activation": "sigmoid",
    "latent": 2,
    "error": "cross-entropy",
    "layerwise": 0.25,
}
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 40


def reproduce(bench: Bench) -> Result:
    """Accuracies of five nearest neighbours on the codes, learned from all labels that the probe takes."""
    deep = Job("deep autoencoder", "autoencoder", "probe", epochs=EPOCHS, settings=DEEP, training=TRAINING)
    pca = Job("PCA", "pca", "probe", epochs=1, settings={"latent": 2})
    measured = bench.measure([deep, pca])
    rows = [[row, f"{values[0]['kNN codes all %']:.1f}"] for row, values in measured.items()]
    run = bench.train(deep)
    test = bench.splits(run).test
    sheet = draw_sheet("codes", run.view(test, f"784-1000-500-250-2 autoencoder on {test.source}", most=5000))
    return Result("Two-number codes of MNIST", ("code", "accuracy of kNN (k = 5), %"), rows, sheet)
