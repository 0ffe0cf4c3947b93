"""How close reconstructions come to their images: mean squared error, PSNR and SSIM."""

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.rows import rows_of
from latelier.core import Decodes, Encodes, Model
from latelier.scores.common import Splits
from latelier.scores.levels import levels_of, reconstructed

needs = (Encodes, Decodes)
LIMIT = 10_000
PROTOCOL = (
    "The mean image of the most likely code against the image, values in [0, 1]. MSE: mean over pixel values. PSNR: "
    "peak 1, at most 100 dB, mean over images of each image's own. SSIM (data range 1): Gaussian "
    "window of 11 px and sd 1.5, on images under 11 px the largest odd window of k px that fits and sd (k - 1) / 7; "
    "mean over the windows wholly inside the image. Of a hierarchy of codes all are of the first level's code, and "
    "PSNR of each further level's stands beside them."
)
C1, C2 = 0.01**2, 0.03**2  # of SSIM, for a data range of 1
BEST = 100.0  # dB at most: an exact reconstruction would otherwise be infinitely good


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """MSE per pixel value, PSNR in dB, SSIM for images of at least 3 x 3 px, and "PSNR dB of LEVEL" for each level
    of a hierarchy but the first. ``generator`` is not used."""
    first, *above = levels_of(model)
    alike = ["SSIM"] if min(data.test.shape[1:]) >= 3 else []

    def measured(image: Tensor) -> Tensor:
        means = reconstructed(model, image)
        error = squared_error(image, means[first])
        likeness = [ssim(image, means[first])] if alike else []
        peaks = [psnr(image, means[level]) for level in above]
        return torch.stack([error, psnr_of(error), *likeness, *peaks], 1)

    names = ["MSE per pixel value", "PSNR dB", *alike, *(f"PSNR dB of {level}" for level in above)]
    means = rows_of(model, data.test, measured).mean(0, dtype=np.float64)
    return dict(zip(names, means.tolist(), strict=True))


def squared_error(image: Tensor, other: Tensor) -> Tensor:
    """[b]: mean over pixel values."""
    return (image - other).square().flatten(1).mean(1)


def psnr(image: Tensor, other: Tensor) -> Tensor:
    """[b]: peak signal-to-noise ratio of images [b, ...] in [0, 1], in dB, at most ``BEST``."""
    return psnr_of(squared_error(image, other))


def psnr_of(error: Tensor) -> Tensor:
    """The same of their mean squared errors."""
    return (-10 * error.log10()).clamp(max=BEST)


def ssim(image: Tensor, other: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, eq. 13) of images [b, c, h, w] in [0, 1], at least 3 x 3 px: [b].

    The window is a product of two Gaussians, so that its means are two products with banded matrices: an order of
    magnitude faster on CPUs than a convolution of five maps a channel.
    """
    side = largest_window(*image.shape[2:])
    down, across = (band(size, side).to(image.device) for size in image.shape[2:])
    # Counted from mid-grey, squares are small and E x^2 - (E x)^2 loses fewer digits; variances do not change.
    x, y = (part.float() - 0.5 for part in (image, other))
    mx, my, xx, yy, xy = down @ torch.stack([x, y, x * x, y * y, x * y]) @ across.T
    vx, vy, covariance = xx - mx * mx, yy - my * my, xy - mx * my
    mx, my = mx + 0.5, my + 0.5
    light = (2 * mx * my + C1) / (mx * mx + my * my + C1)
    similarity: Tensor = light * (2 * covariance + C2) / (vx + vy + C2)
    return similarity.flatten(1).mean(1)


def band(size: int, side: int) -> Tensor:
    """[size - side + 1, size]: row i holds the Gaussian window of ``side`` px from pixel i on."""
    sd = 1.5 if side == 11 else (side - 1) / 7
    offset = torch.arange(size) - torch.arange(size - side + 1)[:, None]  # from the window's first pixel
    weight = (-(offset - side // 2).double().square() / (2 * sd**2)).exp() * ((offset >= 0) & (offset < side))
    return (weight / weight.sum(1, keepdim=True)).float()


def largest_window(height: int, width: int) -> int:
    """The largest odd number of pixels, at most 11, that fits both sides."""
    side = min(height, width, 11)
    return side - (side + 1) % 2
