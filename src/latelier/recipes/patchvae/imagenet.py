"""PatchVAE, table 2: ImageNet with ResNet-18, its first three stages frozen, top-1 and top-5.

    latelier reproduce patchvae/imagenet --data DIR/imagenet

DIR/imagenet is your own copy, a folder a class inside train and val. Published: Gupta et al. 2020, one seed each.
N = 64 and d_p = 16 are those of the code's README; the latent of the beta-VAE is as wide, which the source does not
say, and so is that under the softmax of "supervised", the same trunk learned from all labels. Weeks of two cores: it
is made for a GPU.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "imagenet"
HOURS = "~1500"
STATE = "rehearsed"
SEEDS = 1
EPOCHS = 30
PROBE = 30  # epochs of the classifier
FROZEN = "conv4-5"
PARTS, APPEARANCE = 64, 16
PUBLISHED = {
    "beta-VAE": (44.45, 69.67),
    "PatchVAE": (47.01, 71.71),
    "beta-VAE + L_w": (47.28, 71.78),
    "PatchVAE + L_w": (47.87, 72.49),
    "supervised": (61.37, 83.79),
}
TRAINING = {"size": 224, "batch": 128, "flip": True, "precision": "bf16"}
WHOLE: dict[str, Any] = {"net": "resnet18", "latent": PARTS * APPEARANCE, "optimiser.betas": (0.5, 0.999)}


def settings(row: str) -> tuple[str, dict[str, Any]]:
    """Method and settings of a row."""
    if row == "supervised":
        return "classifier", {"net": "resnet18", "latent": PARTS * APPEARANCE}
    error = "foreground" if row.endswith("L_w") else "squared"
    if row.startswith("PatchVAE"):
        return "patchvae", {"trunk": "resnet18", "parts": PARTS, "appearance": APPEARANCE, "reconstruction": error}
    return "vae", {**WHOLE, "likelihood": error}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each row and seed."""
    options = {"epochs": PROBE, "frozen": FROZEN}
    jobs = [
        Job(row, settings(row)[0], "frozen_probe", seed, EPOCHS, settings(row)[1], TRAINING, options)
        for seed in range(bench.seeds)
        for row in PUBLISHED
    ]
    found = bench.measure(jobs)
    rows = []
    for row, figures in PUBLISHED.items():
        measured = [spread([one[name] for one in found[row]]) for name in ("accuracy %", "top-5 accuracy %")]
        published = (f"{figure:.2f}" for figure in figures)
        rows.append([row, *(text for pair in zip(published, measured, strict=True) for text in pair)])
    columns = ("", "top-1, published", "measured", "top-5, published", "measured")
    note = f"Accuracy in percent, the trunk frozen up to {FROZEN}; mean ± sd over {bench.seeds} seeds."
    return Result("ImageNet, ResNet-18", columns, rows, note=note)
