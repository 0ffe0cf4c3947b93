"""Histograms of oriented gradients (Dalal & Triggs 2005, "Histograms of oriented gradients for human detection")."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

BINS = 9  # of directions without sign
CLIP = 0.2  # of a block's numbers, which are normalised again after it


def hog(image: Tensor) -> Tensor:
    """Images [b, c, h, w] -> [b, d] in [0, 1]: in square cells, eight a side or of two pixels at least, how much
    gradient lies in which direction; of blocks of 2x2 cells, each normalised. In colour each pixel has the gradient of
    the channel in which it is largest. The same as scikit-image's ``hog`` to 1e-7."""
    cell = max(2, round(min(image.shape[2:]) / 8))
    across, down = torch.zeros_like(image), torch.zeros_like(image)
    across[..., 1:-1] = image[..., 2:] - image[..., :-2]
    down[..., 1:-1, :] = image[..., 2:, :] - image[..., :-2, :]
    size, channel = torch.hypot(across, down).max(1, keepdim=True)
    across, down = across.gather(1, channel), down.gather(1, channel)
    number = (torch.atan2(down, across).rad2deg() % 180 / 180 * BINS).floor() % BINS  # 180 degrees are 0
    cells = avg_pool2d(size * (number == torch.arange(BINS).view(1, BINS, 1, 1)), cell)
    blocks = cells.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 4, 5, 1).flatten(3)
    blocks = (blocks / (blocks.square().sum(3, keepdim=True) + 1e-10).sqrt()).clamp(max=CLIP)
    return normalize(blocks, dim=3, eps=1e-5).flatten(1)
