"""Lecture, table 3: error after fine-tuning the encoder and a softmax layer on all labels (MNIST).

    latelier reproduce lecture/finetune-table --data-root DIR --seeds 2

Published: Makhzani & Frey 2013, table 3. The pretrained runs are those of lecture/ksparse-table, and two deep ones.
Learning without pre-training starts from fresh weights of the dropout autoencoder's encoder. One protocol for all rows:
the same rate and length, no dropout; a k-sparse encoder keeps alpha k = 75 numbers of its last layer, as its features
do.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
HOURS = "~3.5"
STATE = "measured at share 0.1; no row reached"
SEEDS = 2
PUBLISHED = {
    "without pre-training": 1.60,
    "RBM": 1.24,
    "dropout autoencoder": 1.05,
    "denoising autoencoder": 1.20,
    "deep dropout autoencoder": 0.85,
    "k-sparse autoencoder, k = 25": 1.08,
    "deep k-sparse autoencoder": 0.97,
}
UNITS = {"net": "mlp", "net.widths": (), "latent": 1000, "code": "relu"}
NOISE = {"corruption": "masking", "corruption.share": 0.2}
DEEP = {"net": "mlp", "net.widths": (1000,), "latent": 1000, "code": "relu", "net.decoder_activation": "relu"}
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 20
FINE = 10  # epochs of fine-tuning


ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "without pre-training": ("autoencoder", {**UNITS, "dropout": 0.5}),
    "RBM": ("rbm", {"epochs": 15}),
    "dropout autoencoder": ("autoencoder", {**UNITS, "dropout": 0.5}),
    "denoising autoencoder": ("autoencoder", {**UNITS, **NOISE}),
    "deep dropout autoencoder": ("autoencoder", {**DEEP, "dropout": 0.5, "layerwise": 1.0}),
    "k-sparse autoencoder, k = 25": ("ksparse", {"k": (25,)}),
    "deep k-sparse autoencoder": ("ksparse", {"widths": (1000, 1000), "k": (25,)}),
}


def reproduce(bench: Bench) -> Result:
    """One training, or one that ksparse-table has made, and one fine-tuning a row and seed."""
    options = {"epochs": max(1, round(FINE * bench.share))}
    jobs = []
    for seed in range(bench.seeds):
        for row, (model, settings) in ROWS.items():
            if model == "rbm":  # its length is a setting, which a rehearsal's share has to reach
                settings = {"epochs": max(1, round(settings["epochs"] * bench.share))}
            training, epochs = (TRAINING, EPOCHS) if model != "rbm" else ({}, 1)
            epochs = 2 * EPOCHS if row.startswith("deep") else epochs
            own: dict[str, Any] = {"fresh": True} if row == "without pre-training" else {}
            if model == "ksparse":  # its features are alpha k numbers, where its code has k
                own = {"depth": f"layer{len(settings.get('widths', (1000,)))}"}
            jobs.append(Job(row, model, "finetune", seed, epochs, settings, training, {**options, **own}))
    measured = bench.measure(jobs)
    names = ("finetuned error %", "error from fresh weights %")
    errors = {row: [one[name] for one in values for name in names if name in one] for row, values in measured.items()}
    rows = [[row, f"{published:.2f}", spread(errors[row])] for row, published in PUBLISHED.items()]
    guess = measured["RBM"][0]["majority error %"]
    note = (
        f"Error on the test images in percent, where naming the commonest class has {guess:.1f}; mean ± sd over "
        f"{bench.seeds} seeds. No row has dropout in fine-tuning; k-sparse ones keep alpha k numbers."
    )
    return Result("Fine-tuned on all labels", ("pre-training", "published", "measured"), rows, note=note)
