"""Lecture, table 3: error after fine-tuning the encoder and a softmax layer on all labels (MNIST).

    latelier reproduce lecture/finetune-table --data-root DIR --seeds 2

Published: Makhzani & Frey 2013, table 3. The pretrained runs are those of lecture/ksparse-table, and two deep ones.
Learning without pre-training starts from fresh weights of the same encoder.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
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


ROWS = {
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
            training, epochs = (TRAINING, EPOCHS) if model != "rbm" else ({}, 1)
            epochs = 2 * EPOCHS if row.startswith("deep") else epochs
            own = {"fresh": True} if row == "without pre-training" else {"dropout": 0.5}
            jobs.append(Job(row, model, "finetune", seed, epochs, settings, training, {**options, **own}))
    measured = bench.measure(jobs)
    errors = {
        row: [
            value for one in values for name, value in one.items() if name.endswith(("finetuned error %", "weights %"))
        ]
        for row, values in measured.items()
    }
    rows = [[row, f"{published:.2f}", spread(errors[row])] for row, published in PUBLISHED.items()]
    note = f"Error on the test pictures in percent; mean ± sd over {bench.seeds} seeds."
    return Result("Fine-tuned on all labels", ("pre-training", "published", "measured"), rows, note=note)
