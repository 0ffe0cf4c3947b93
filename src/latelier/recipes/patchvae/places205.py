"""PatchVAE, table 1, Places205: the same columns on places at 64 pixels.

    latelier reproduce patchvae/places205 --data DIR/places205

DIR/places205 is your own copy, a folder a class inside train and test. Published: Gupta et al. 2020, one seed each,
2 epochs without labels, which its code counts as 50,000 images each, and 5 of the classifier.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "places205"
HOURS = "~300"
STATE = "rehearsed"
SEEDS = 1
EPOCHS = 2
PROBE = 5  # epochs of the classifier
TRAINING = {"size": 64, "batch": 128, "flip": True, "precision": "bf16"}
PUBLISHED = {
    "beta-VAE": (28.29, 24.34, 8.89),
    "beta-VAE + L_w": (29.43, 24.93, 9.41),
    "beta-VAE-GAN": (28.48, 24.51, 9.72),
    "beta-VAE-GAN + L_w": (29.63, 25.26, 10.66),
    "PatchVAE": (28.63, 24.95, 11.09),
    "PatchVAE + L_w": (29.39, 26.29, 12.07),
    "PatchVAE-GAN": (28.87, 25.25, 12.21),
    "PatchVAE-GAN + L_w": (29.36, 26.30, 13.39),
    "BiGAN": (30.06, 25.11, 10.82),
    "ImageNet, pretrained": (37.08, 36.46, 31.26),
}


def reproduce(bench: Bench) -> Result:
    """A training for each row and seed, and a classifier for each column."""
    table: Result = find_recipe("patchvae/columns").compared(bench, "Places205", PUBLISHED, TRAINING, EPOCHS, PROBE)
    return table
