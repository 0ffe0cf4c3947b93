"""PatchVAE, table 7: what reconstructions keep, beta-VAE beside PatchVAE.

    latelier reproduce patchvae/reconstruction --data DIR/imagenet
    latelier reproduce patchvae/reconstruction --data DIR/cifar100 --size 32

The trainings are those of patchvae/imagenet; with --size below 224 the nets are those of patchvae/cifar100. Published:
Gupta et al. 2020, ImageNet. Its PSNR seems to be of pixels normalised by ImageNet's means and sds, where an ordinary
17.8 dB reads 4.86, so that only the order can be compared. Our Frechet distance is in features of our own, and no FID,
unless LATELIER_INCEPTION=inception.safetensors stands before the command.
"""

from latelier.bench import Bench, Job, Result, find_recipe, spread
from latelier.bench.user_files import INCEPTION, named

DATA = "imagenet"
HOURS = "~750"
STATE = "rehearsed"
SEEDS = 1
TABLE = find_recipe("patchvae/imagenet")
SMALL = find_recipe("patchvae/cifar100")  # its nets, for sizes that ResNet-18 has no cells for
COLUMNS = (("PSNR dB", "reconstruction", 2), ("{} of reconstructions", "fid", 3), ("SSIM", "reconstruction", 3))
PUBLISHED = {"beta-VAE": (4.857, 108.741, 0.289), "PatchVAE": (4.342, 113.692, 0.235)}


def reproduce(bench: Bench) -> Result:
    """A training and two scores for each row and seed."""
    table = SMALL if bench.size is not None and bench.size < TABLE.TRAINING["size"] else TABLE
    weights = named(INCEPTION, "weights")
    distance = "FID" if weights else "Frechet distance"
    jobs = []
    for seed in range(bench.seeds):
        for row in PUBLISHED:
            method, settings = table.settings(row)
            for score, options in {"reconstruction": {}, "fid": weights}.items():
                name = f"{row}: {score}"
                jobs.append(Job(name, method, score, seed, table.EPOCHS, settings, table.TRAINING, options))
    found = bench.measure(jobs)
    rows = []
    for row, figures in PUBLISHED.items():
        cells = [
            (f"{figure:.3f}", spread([one[name.format(distance)] for one in found[f"{row}: {score}"]], digits))
            for figure, (name, score, digits) in zip(figures, COLUMNS, strict=True)
        ]
        rows.append([row, *(text for pair in cells for text in pair)])
    columns = ("", "PSNR, published", "PSNR, dB", "FID, published", distance, "SSIM, published", "SSIM")
    note = f"Test images, mean ± sd over {bench.seeds} seeds; the published columns are of ImageNet."
    return Result("Reconstructions", columns, rows, note=note)
