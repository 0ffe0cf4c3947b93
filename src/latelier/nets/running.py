"""Running statistics that a net keeps beside its weights and that belong to no player."""

import torch
from torch import Tensor, nn

STEADY = 100  # batches that the mean image is over, once so many were seen


class Running(nn.Module):
    """Its buffers are running statistics: where a batch is cut into parts, they end at the mean over parts."""

    later: tuple[str, ...] = ()  # buffers that files of earlier versions lack, which then begin anew


class MeanImage(Running):
    """The mean image of training, [c, h, w], from which pictures are counted."""

    mean: Tensor
    batches: Tensor

    def __init__(self, image: tuple[int, int, int], start: float):
        super().__init__()
        self.register_buffer("mean", torch.full(image, start))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self, image: Tensor) -> None:
        """Moves towards the mean of a batch [b, c, h, w]: the mean of all at first, later a moving one."""
        self.batches += 1
        self.mean.lerp_(image.float().mean(0), 1 / self.batches.clamp(max=STEADY).float())
