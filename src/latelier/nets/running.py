"""Running statistics that a net keeps beside its weights and that belong to no player."""

import torch
from torch import Tensor, nn


class Running(nn.Module):
    """Its buffers are running statistics: where a batch is cut into parts, they end at the mean over parts."""

    later: tuple[str, ...] = ()  # buffers that files of earlier versions lack, which then begin anew


class RunningMean(Running):
    """The mean of what training has shown, from a ``start``: over all batches at first, later over about ``over``
    of them."""

    mean: Tensor
    batches: Tensor

    def __init__(self, start: Tensor, over: int):
        super().__init__()
        self.over = over
        self.register_buffer("mean", start)
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self, values: Tensor) -> None:
        """Of a batch [b, ...]."""
        self.batches += 1
        self.mean.lerp_(values.float().mean(0), 1 / self.batches.clamp(max=self.over).float())
