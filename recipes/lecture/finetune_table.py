"""Lecture, table 3: error after fine-tuning the encoder and a softmax layer on all labels (MNIST).

    latelier reproduce lecture/finetune-table --data-root DIR --seeds 3

Published: Makhzani & Frey 2013, table 3. The pretrained runs are those of lecture/ksparse-table, and two deep ones.
Learning without pre-training starts from fresh weights of the same encoder.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
SEEDS = 3
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
EPOCHS = 25
FINE = 20  # epochs of fine-tuning


def reproduce(bench: Bench) -> Result:
    """One training and one fine-tuning a row and seed."""
    options = {"epochs": max(1, round(FINE * bench.share)), "dropout": 0.5}
    jobs = []
    for seed in range(bench.seeds):
        for row, model, settings, more in (
            ("without pre-training", "autoencoder", UNITS, {"fresh": True, "dropout": 0.0}),
            ("dropout autoencoder", "autoencoder", {**UNITS, "dropout": 0.5}, {}),
            ("denoising autoencoder", "autoencoder", {**UNITS, **NOISE}, {}),
            ("deep dropout autoencoder", "autoencoder", {**DEEP, "dropout": 0.5, "layerwise": 1.0}, {}),
            ("k-sparse autoencoder, k = 25", "ksparse", {"k": (25,)}, {}),
            ("deep k-sparse autoencoder", "ksparse", {"widths": (1000, 1000), "k": (25,)}, {}),
        ):
            epochs = 2 * EPOCHS if row.startswith("deep") else EPOCHS
            run = "dropout autoencoder" if row.startswith("without") else row.replace(" autoencoder, k", ", k")
            run = "finetuned " + row if row.startswith("deep") else run
            jobs.append(Job(row, model, "finetune", seed, epochs, settings, TRAINING, {**options, **more}, run))
        rounds = max(1, round(15 * bench.share))
        jobs.append(Job("RBM", "rbm", "finetune", seed, 1, {"epochs": rounds}, options=options))
    measured = bench.measure(jobs)
    rows = [
        [row, f"{published:.2f}", spread([values["finetuned error %"] for values in measured[row]])]
        for row, published in PUBLISHED.items()
    ]
    note = f"Error on the test pictures in percent; mean ± sd over {bench.seeds} seeds."
    return Result("Fine-tuned on all labels", ("pre-training", "published", "measured"), rows, note=note)
