"""PatchVAE, table 1, CIFAR-100, Conv[1-5]: what a frozen trunk knows about classes, by bottleneck and by loss.

    latelier reproduce patchvae/cifar100 --data DIR/cifar100 --seeds 3

Published: Gupta et al. 2020, one seed each, the best of 90 epochs on the test images. Here the classifier learns from
45,000 of the training images and its epoch is chosen on the other 5,000. A trunk with its first weights has a row. With
LATELIER_RESNET18=resnet18.safetensors before the command, your file of torchvision's weights, there is a row of a trunk
that learned ImageNet's labels.
"""

from collections.abc import Mapping
from typing import TypeVar

from latelier.bench import Bench, Job, Result, beside
from latelier.bench.user_files import RESNET18, named

T = TypeVar("T")

DATA = "cifar100"
HOURS = "~90"
STATE = "measured at share 0.025; order not seen"
SEEDS = 3
PRETRAINED = "ImageNet, pretrained"  # a trunk that learned labels
UNTRAINED = "untrained trunk"  # with its first weights, the rival of every row: one step at next to no rate
PUBLISHED = {
    "beta-VAE": 28.57,
    "beta-VAE + L_w": 28.33,
    "beta-VAE-GAN": 29.89,
    "beta-VAE-GAN + L_w": 31.53,
    "PatchVAE": 28.72,
    "PatchVAE + L_w": 30.55,
    "PatchVAE-GAN": 31.74,
    "PatchVAE-GAN + L_w": 32.65,
    "BiGAN": 31.58,
    PRETRAINED: 54.36,
}
EPOCHS = 90
PROBE = 90  # epochs of the classifier, as in the source: after 20 its accuracy on held-out images still rises
TRAINING = {"batch": 128, "precision": "bf16"}
GAME = {"net": "resnet9", "latent": 96, "optimiser.rate": 1e-4, "critic.optimiser.rate": 1e-4}
WHOLE = {"net": "resnet9", "latent": 96, "optimiser.rate": 1e-4, "optimiser.betas": (0.5, 0.999)}


def settings(row: str) -> tuple[str, dict[str, object]]:
    """Method and settings of a row."""
    if row == "BiGAN":
        return "bigan", GAME
    if row == UNTRAINED:
        return "vae", {**WHOLE, "optimiser.rate": 1e-9}
    parts = row.startswith("PatchVAE")
    error = "foreground" if row.endswith("L_w") else "squared"
    critic = {"critic": "image"} if "GAN" in row else {}
    if parts:
        return "patchvae", {"reconstruction": error, **critic}
    return "vae", {**WHOLE, "likelihood": error, **critic}


def length(row: str, epochs: float) -> float:
    """Epochs of a row, where others have ``epochs``."""
    return 1e-3 if row == UNTRAINED else epochs


def weights(row: str) -> dict[str, str]:
    """Option of the score: the user's file of weights, where a row is that of others' weights."""
    return named(RESNET18, "weights") if row == PRETRAINED else {}


def possible(published: Mapping[str, T]) -> dict[str, T]:
    """Those rows that can be made: that of others' weights needs the user's file of them."""
    return {row: figure for row, figure in published.items() if row != PRETRAINED or weights(row)}


def reproduce(bench: Bench) -> Result:
    """A training and a classifier for each row and seed; that of others' weights shares the beta-VAE's training."""
    return compared(bench, possible(PUBLISHED), {row: settings(row) for row in PUBLISHED})


def compared(
    bench: Bench, published: Mapping[str, float], rows: Mapping[str, tuple[str, Mapping[str, object]]]
) -> Result:
    """The table of these rows, each a method and its settings, under the protocol of this file, and of an untrained
    trunk."""
    made = {row: of for row, of in rows.items() if row in published} | {UNTRAINED: settings(UNTRAINED)}
    jobs = [
        Job(row, method, "frozen_probe", seed, length(row, EPOCHS), fields, TRAINING, {"epochs": PROBE, **weights(row)})
        for seed in range(bench.seeds)
        for row, (method, fields) in made.items()
    ]
    found = {row: [one["accuracy %"] for one in values] for row, values in bench.measure(jobs).items()}
    note = (
        f"Accuracy on the test images in percent, trunk frozen; mean ± sd over {bench.seeds} seeds. Learned without "
        f"labels for {EPOCHS * bench.share:g} epochs, where the published ones had {EPOCHS}."
    )
    return beside("CIFAR-100, Conv[1-5]", published, found, note)
