"""From the range of images, [0, 1], to the one that nets count in, [-1, 1], and back."""

from typing import Any

import torch
from torch import Tensor, nn

LEAST_SLOPE = 0.05


class Centred(nn.Module):
    """[0, 1] -> [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


class Uncentred(nn.Module):
    """[-1, 1] -> [0, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() + 1) / 2


class FromGrey(nn.Module):
    """[-1/2, 1/2], counted from mid-grey -> [0, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float() + 0.5


class ReturningTanh(nn.Module):
    """tanh, whose slope counts as 0.05 at least where a gradient leads back from an end of the range. Images that are
    mostly black drive a young net so far down within ten steps that a tanh has no slope left: it draws black for good.
    (TensorFlow Compression's ``lower_bound`` lets gradients back into its range in the same manner.)"""

    def forward(self, x: Tensor) -> Tensor:
        if not x.requires_grad:
            return x.tanh()
        out: Tensor = _ReturningTanh.apply(x)
        return out


class _ReturningTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        slope = 1 - y.square()
        return gradient * torch.where(y * gradient > 0, slope.clamp(min=LEAST_SLOPE), slope)
