"""Which device a run uses, and where memory comes from and what multiplies once the CPU is prepared."""

import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from latelier import device
from latelier.device import default_precision, multiply_fast, pick_device

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
    assert pick_device("cpu").type == "cpu"
    torch.zeros(1, device=pick_device())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone is tuned")
@pytest.mark.slow
def test_after_preparing_large_buffers_come_from_the_heap() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "3000000.0"]


@pytest.fixture
def precision() -> Iterator[None]:
    """Of products, put back afterwards."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("exact", [True, False])
def test_products_are_fast_only_where_nothing_is_rounded(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_is_amd", lambda: True)
    monkeypatch.setattr(device, "_multiplies_exactly", lambda: exact)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    for model, told in ((nn.Linear(512, 2500), "medium" if exact else "highest"), (nn.Linear(10, 10), "highest")):
        multiply_fast(model)
        assert torch.get_float32_matmul_precision() == told


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("shape", [(64, 512, 2500), (1, 300, 1536), (320, 7, 1000)])
def test_fast_products_keep_float32(shape: tuple[int, int, int]) -> None:
    multiply_fast(nn.Linear(512, 2500))
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(inner, columns, generator=generator)
    error = (a @ b - (a.double() @ b.double())).abs().max()
    assert error < 1e-6 * inner  # rounding to bfloat16 is a thousand times as far


@pytest.mark.parametrize(
    ("flags", "net", "precision"),
    [
        ("fpu avx512f avx512_bf16", nn.Conv2d(1, 2, 3), "bf16"),
        ("fpu amx_bf16 amx_tile", nn.ConvTranspose2d(1, 2, 3), "bf16"),
        ("fpu avx512f avx_vnni amx_int8", nn.Conv2d(1, 2, 3), "fp32"),  # would emulate it
        ("fpu avx512_bf16", nn.Linear(3, 4), "fp32"),
        ("", nn.Conv2d(1, 2, 3), "fp32"),
    ],
)
def test_nets_that_convolve_take_bf16_where_the_processor_has_it(
    flags: str, net: nn.Module, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_flags", lambda: frozenset(flags.split()))
    assert default_precision(torch.device("cpu"), nn.Sequential(nn.ReLU(), net)) == precision
    assert default_precision(torch.device("meta"), net) == "fp32"
    assert device.has_amx() == ("amx_bf16" in flags)


@pytest.mark.parametrize(
    ("flags", "emulated"), [("fpu avx2", True), ("fpu avx512_bf16", False), ("fpu amx_bf16", False), ("", False)]
)
def test_bf16_is_float32_on_a_processor_that_would_emulate_it(
    flags: str, emulated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of processors whose flags cannot be read: they compute what is asked for."""
    monkeypatch.setattr(device, "_flags", lambda: frozenset(flags.split()))
    cpu, net = torch.device("cpu"), nn.Linear(2, 3)
    assert device.emulates_bf16(cpu) == emulated
    with device.mixed("bf16", cpu):
        assert net(torch.ones(1, 2)).dtype == (torch.float32 if emulated else torch.bfloat16)
    with device.mixed("fp32", cpu):
        assert net(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_gpus_take_bf16_since_ampere(
    capability: tuple[int, int], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert default_precision(torch.device("cuda", 0), nn.Conv2d(1, 2, 3)) == precision
    assert default_precision(torch.device("cuda", 0), nn.Linear(2, 3)) == ("tf32" if precision == "bf16" else "fp32")


@pytest.mark.parametrize(("precision", "told"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "tf32")])
def test_a_gpu_rounds_products_unless_they_are_to_be_exact(precision: device.Precision, told: str) -> None:
    """And afterwards does as before; what a CPU does is not touched."""

    def now() -> list[str]:
        return [torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision]

    before = now(), torch.get_float32_matmul_precision()
    with device.products(precision, torch.device("cuda")):
        assert now() == [told, told]
    with device.products(precision, torch.device("cpu")):
        assert (now(), torch.get_float32_matmul_precision()) == before


def test_flags_are_those_of_the_first_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor\t: 0\nflags\t\t: fpu avx512_bf16 amx_bf16\n\nprocessor\t: 1\nflags\t\t: other\n"
    monkeypatch.setattr(device.Path, "read_text", lambda path, encoding: text)
    assert device._flags.__wrapped__() == {"fpu", "avx512_bf16", "amx_bf16"}

    def missing(path: object, encoding: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(device.Path, "read_text", missing)
    assert device._flags.__wrapped__() == frozenset()
