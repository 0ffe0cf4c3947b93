"""The device that a run uses, and what makes the CPU a quick one."""

import ctypes
import os
import sys

import torch

from latelier.core import Refusal

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # numbers of glibc's malloc.h


def pick_device(name: str | None = None) -> torch.device:
    """The named device, else the GPU of this process's local rank, else the CPU. Raises Refusal for a device that is
    not there."""
    if name:
        try:
            return torch.zeros((), device=name).device
        except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises any of them
            reason = " ".join(str(error).split()).partition(". ")[0]
            said = "is not a device" if reason.startswith("Expected one of") else f"cannot be used here ({reason})"
            raise Refusal(f"--device {name} {said}; give cpu, or cuda where there is a GPU, or leave it out") from error
    return (
        torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def prepare_cpu() -> None:
    """Makes the allocator keep freed memory for the next step; call it once, before the first large tensor.

    glibc hands large buffers back to the kernel, and every step faults their pages in again: that was 30-80 % of the
    time of convolution steps. The price is that the process keeps its peak of memory until it ends. Does nothing
    without glibc."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(M_TOP_PAD, 2**28)
