"""Convolutions that a processor's matrix units (AMX) get wrong in bfloat16 are computed in float32.

oneDNN's ``brg_conv_fwd:avx10_1_512_amx`` gives numbers that have nothing to do with the right ones, or none at all,
where the output is one column wide and the stride along it above 1 (pytorch's issue 169688), and may where a stride is
longer than the kernel (oneDNN's pull request 5494). A transposed convolution runs it on the way back.

The processor's flag decides, and no product at the start, as for float32 in ``device.multiply_fast``: the kernel reads
memory that was never written, so that its numbers are wrong in one run and right in the next. Right ones would show
nothing.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from latelier.device import CONVOLUTIONS, has_amx

SAID = (
    "convolutions with an output one column wide, or a stride longer than their kernel, are computed in float32, "
    "since this processor's matrix units (AMX) get them wrong in bfloat16"
)


class Guarded(nn.Module):
    """What the class of a guarded convolution inherits before its own."""

    met = False  # whether it was computed in float32 where bfloat16 was asked for

    def forward(self, image: Tensor, *more: Any) -> Tensor:
        if image.device.type != "cpu" or not torch.is_autocast_enabled("cpu") or not is_wrong(self, image):
            out: Tensor = super().forward(image, *more)
            return out
        self.met = True
        with torch.autocast("cpu", enabled=False):
            exact: Tensor = super().forward(image.float(), *more)
        return exact


def guard(model: nn.Module) -> None:
    """Guards the model's convolutions, for good, where the processor has such units; elsewhere does nothing. Weights,
    their names and results in float32 stay as they are."""
    if not has_amx():
        return
    for part in model.modules():
        if isinstance(part, CONVOLUTIONS) and max(part.stride) > 1 and not isinstance(part, Guarded):
            kind: Any = type(part)
            part.__class__ = _guarded(kind)


def remarks(model: nn.Module) -> list[str]:
    """What a log says of the model's guarded convolutions, once one of them was computed in float32 instead."""
    return [SAID] if any(isinstance(part, Guarded) and part.met for part in model.modules()) else []


def is_wrong(convolution: nn.Module, image: Tensor) -> bool:
    """Whether it is of a shape that comes out wrong for this input."""
    assert isinstance(convolution, CONVOLUTIONS)
    kernel, stride = convolution.kernel_size, convolution.stride
    if any(step > length for step, length in zip(stride, kernel, strict=True)):
        return True
    width = image.shape[-1]
    if not convolution.transposed:
        padding, dilation = convolution.padding, convolution.dilation[-1]
        around = 0 if isinstance(padding, str) else 2 * int(padding[-1])  # words go with strides of 1 alone
        width = (width + around - dilation * (kernel[-1] - 1) - 1) // stride[-1] + 1
    return width == 1 and stride[-1] > 1


@cache
def _guarded(kind: Any) -> Any:
    return type(kind.__name__, (Guarded, kind), {})
