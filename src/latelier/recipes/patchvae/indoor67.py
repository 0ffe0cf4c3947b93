"""PatchVAE, table 1, Indoor67: the same columns on indoor scenes at 64 pixels.

    latelier reproduce patchvae/indoor67 --data DIR/indoor67

DIR/indoor67 is your own copy, a folder a class inside train and test. Published: Gupta et al. 2020, one seed each,
90 epochs without labels, which its code counts as 50,000 images each, and 90 of the classifier. The source learns
without labels from all images but the test images; here both phases see those of train.
"""

from latelier.bench import Bench, Result, find_recipe

DATA = "indoor67"
HOURS = "~90"
STATE = "rehearsed"
SEEDS = 1
EPOCHS = 90
PROBE = 90  # epochs of the classifier
TRAINING = {"size": 64, "batch": 128, "flip": True, "precision": "bf16"}
PUBLISHED = {
    "beta-VAE": (20.08, 17.76, 13.06),
    "beta-VAE + L_w": (21.34, 19.48, 13.96),
    "beta-VAE-GAN": (19.10, 17.84, 13.06),
    "beta-VAE-GAN + L_w": (20.45, 18.36, 14.33),
    "PatchVAE": (20.97, 19.18, 13.43),
    "PatchVAE + L_w": (23.21, 21.87, 15.45),
    "PatchVAE-GAN": (21.12, 19.63, 14.55),
    "PatchVAE-GAN + L_w": (22.46, 21.87, 16.42),
    "BiGAN": (21.64, 17.09, 9.70),
    "ImageNet, pretrained": (45.90, 45.82, 40.90),
}


def reproduce(bench: Bench) -> Result:
    """A training for each row and seed, and a classifier for each column."""
    table: Result = find_recipe("patchvae/columns").compared(bench, "Indoor67", PUBLISHED, TRAINING, EPOCHS, PROBE)
    return table
