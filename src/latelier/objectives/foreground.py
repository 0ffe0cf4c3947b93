"""What is worth drawing well: weights of pixels by how much happens around them."""

import torch
from torch import Tensor
from torch.nn import functional

PATCH = 8  # size in pixels


def weights(image: Tensor) -> Tensor:
    """[b, c, h, w] of an image of that shape: the mean magnitude of the Laplacian over each 8x8 patch, scaled to
    average one in each channel (L_w of PatchVAE, Gupta et al. 2020, section 3.4; it says that they sum to one, but in
    its code they average one).

    No gradient. Brightness and contrast of the image change nothing. A channel without any edge weighs one everywhere.
    Patches that the image's border cuts are averaged over what there is.
    """
    with torch.no_grad():
        x = functional.pad(image.float(), (1, 1, 1, 1), mode="replicate")
        middle = x[..., 1:-1, 1:-1]
        around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
        energy = functional.avg_pool2d((around - 4 * middle).abs(), PATCH, ceil_mode=True, count_include_pad=False)
        h, w = image.shape[-2:]
        spread = energy.repeat_interleave(PATCH, -2)[..., :h, :].repeat_interleave(PATCH, -1)[..., :w]
        mean = spread.mean((-2, -1), keepdim=True)
        # Rounding leaves a trace of energy in a flat image, which would be blown up to weights.
        flat = mean < 1e-6
        return torch.where(flat, 1.0, spread / torch.where(flat, 1.0, mean))
