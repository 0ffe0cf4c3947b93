"""How close reconstructions come to their images: mean squared error, PSNR and SSIM."""

import torch
from torch import Generator, Tensor

from latelier.core import Decodes, Encodes, Model
from latelier.scores.common import Splits, reconstructions

needs = (Encodes, Decodes)
LIMIT = 10_000
PROTOCOL = (
    "The mean image of the most likely code against the image, values in [0, 1]. MSE: mean over pixel values. PSNR: "
    "peak 1, at most 100 dB, mean over images of each image's own. SSIM (torchmetrics, data range 1): Gaussian "
    "window of 11 px and sd 1.5, on images under 11 px the largest odd window of k px that fits and sd (k - 1) / 7; "
    "mean over the windows wholly inside the image."
)
LEAST = 1e-10  # the squared error of 100 dB: an exact reconstruction would otherwise be infinitely good


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """MSE per pixel value, PSNR in dB, and SSIM for images of at least 3 px a side. ``generator`` is not used."""
    errors, peaks, likenesses = [], [], []
    for image, mean in reconstructions(model, data.test):
        error = (image - mean).square().flatten(1).mean(1)
        errors.append(error)
        peaks.append(-10 * error.clamp(min=LEAST).log10())
        if min(image.shape[2:]) >= 3:
            likenesses.append(ssim(image, mean))
    values = {"MSE per pixel value": errors, "PSNR dB": peaks, "SSIM": likenesses}
    return {name: float(torch.cat(parts).double().mean()) for name, parts in values.items() if parts}


def ssim(image: Tensor, other: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, eq. 13) of images [b, c, h, w] in [0, 1], at least 3 px a side: [b]."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    window = largest_window(*image.shape[2:])
    # torchmetrics takes the window's size from its sd, as 2 int(3.5 sd + 0.5) + 1, whatever kernel_size says.
    sd = 1.5 if window == 11 else (window - 1) / 7
    answer = structural_similarity_index_measure(
        other.float().contiguous(),
        image.float().contiguous(),
        sigma=sd,
        kernel_size=window,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    edge = window // 2  # the map covers the mirrored border as well, which older versions left out of the mean
    similarity: Tensor = answer[1][..., edge : image.shape[2] - edge, edge : image.shape[3] - edge]
    return similarity.flatten(1).mean(1)


def largest_window(height: int, width: int) -> int:
    """The largest odd number of pixels, at most 11, that fits both sides."""
    side = min(height, width, 11)
    return side - (side + 1) % 2
