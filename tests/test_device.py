"""Which device a run uses, and where memory comes from once the CPU is prepared."""

import platform
import subprocess
import sys

import pytest
import torch

from latelier.device import pick_device

# 12 MB, which glibc would map apart from its heap and give back when freed.
PROGRAM = """
import torch
from latelier.device import prepare_cpu
prepare_cpu()
x = torch.ones(3_000_000)
heap = [line for line in open("/proc/self/maps") if "[heap]" in line][0].split()[0]
low, high = (int(end, 16) for end in heap.split("-"))
print(low <= x.data_ptr() < high, float(x.sum()))
"""


def test_a_named_device_is_taken_and_else_one_that_exists() -> None:
    assert pick_device("meta").type == "meta"
    torch.zeros(1, device=pick_device())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone is tuned")
@pytest.mark.slow
def test_after_preparing_large_buffers_come_from_the_heap() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "3000000.0"]
