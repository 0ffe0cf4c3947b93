"""The device that a run uses, and what makes the CPU a quick one."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from latelier.errors import Refusal

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # numbers of glibc's malloc.h
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
Precision = Literal["fp32", "tf32", "bf16"]
EMULATED = "this processor has no instructions for bfloat16; computed in float32, which is many times faster here"
LARGE = 100_000  # weights of a matrix that oneDNN multiplies faster than MKL on AMD, batches of 64


def pick_device(name: str | None = None) -> torch.device:
    """The named device, else the GPU of this process's local rank, else the CPU. Raises Refusal for a device that is
    not there."""
    if name is not None:
        if name.partition(":")[0] == "meta":
            raise Refusal("--device meta computes nothing; give cpu, or cuda where there is a GPU, or leave it out")
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


def default_precision(device: torch.device, model: nn.Module) -> Precision:
    """bf16 for nets that convolve, on a processor that computes it in hardware; else tf32 on such a GPU, and fp32.
    Elsewhere bfloat16 is emulated, and small matrices gain nothing by it."""
    if not computes_bf16(device):
        return "fp32"
    if any(isinstance(part, CONVOLUTIONS) for part in model.modules()):
        return "bf16"
    return "tf32" if device.type == "cuda" else "fp32"


@contextmanager
def products(precision: Precision, device: torch.device) -> Iterator[None]:
    """Inside, a GPU multiplies and convolves float32 exactly for fp32; else it may round what goes in to TF32, with 10
    bits behind the point and float32's range, also what bf16 leaves in float32. On a CPU nothing changes."""
    if device.type != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn  # which torch does not tell types of
    places = [torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn]
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "ieee" if precision == "fp32" else "tf32"
    try:
        yield
    finally:
        for place, own in zip(places, before, strict=True):
            place.fp32_precision = own


def computes_bf16(device: torch.device) -> bool:
    """Whether the processor has instructions for bfloat16: AVX512-BF16 or AMX, or a GPU since NVIDIA's Ampere."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and bool({"avx512_bf16", "amx_bf16"} & _flags())


def emulates_bf16(device: torch.device) -> bool:
    """Whether the processor is known to lack them. There torch multiplies and convolves in bfloat16 7 to 25 times
    slower than in float32. Of processors other than Linux's on x86 nothing is known."""
    return (device.type == "cuda" or (device.type == "cpu" and bool(_flags()))) and not computes_bf16(device)


def mixed(precision: str, device: torch.device) -> torch.autocast:
    """Inside, for bf16, nets compute in bfloat16; in float32 for another precision, and where the processor would
    emulate bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16" and not emulates_bf16(device))


def has_amx() -> bool:
    """Whether the processor multiplies bfloat16 in tiles (Intel's AMX)."""
    return "amx_bf16" in _flags()


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


def multiply_fast(model: nn.Module) -> None:
    """Lets oneDNN multiply this process's float32 matrices, without loss of precision, on AMD processors with AVX-512
    and for a model with large ones; small ones do not pay for its calls. The model of the last call decides.

    There MKL, torch's choice, keeps to AVX2, at half the rate. torch hands float32 to oneDNN only with leave to round
    to bfloat16; oneDNN uses that leave on processors with matrix units (AMX) and multiplies in float32 on others. A
    product tells which it was, and where something was rounded there is no such leave."""
    if torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() != "AVX512" or not _is_amd():
        return
    largest = max((weight.numel() for weight in model.parameters() if weight.dim() == 2), default=0)
    torch.set_float32_matmul_precision("medium")
    if largest < LARGE or not _multiplies_exactly():
        torch.set_float32_matmul_precision("highest")


@cache
def _flags() -> frozenset[str]:
    """What Linux says that the processor can do; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").partition(":")[2].split())


def _is_amd() -> bool:
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


def _multiplies_exactly() -> bool:
    """Whether a float32 product keeps what bfloat16 and TF32 would lose."""
    n, small = 256, 2**-12
    product = torch.full((n, n), 1 + small) @ torch.ones(n, n)
    return bool((product == n * (1 + small)).all())
