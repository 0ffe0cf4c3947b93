"""Laws of the sums that every objective ends in."""

import pytest
import torch

from latelier.objectives.reduction import aligned, summed, wide


def test_sum_keeps_the_leading_axes_in_any_memory_format() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for layout in (x, x.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(summed(layout), x.reshape(2, -1).sum(1))
        torch.testing.assert_close(summed(layout, keep=2), x.reshape(2, 3, -1).sum(2))
    vector = x[0, 0, 0]
    assert torch.equal(summed(vector), vector)  # nothing is left to sum: not everything
    assert summed(x[:0]).shape == (0,)


def test_images_do_not_mix() -> None:
    x = torch.ones(3, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(summed(x)[1], x)
    assert torch.equal(gradient, torch.stack([torch.zeros(2, 2), torch.ones(2, 2), torch.zeros(2, 2)]))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.uint8, torch.bool])
def test_narrow_numbers_become_float32(dtype: torch.dtype) -> None:
    assert wide(torch.ones(2, dtype=dtype)).dtype == torch.float32


def test_double_precision_stays_and_is_not_copied() -> None:
    x = torch.ones(2, dtype=torch.float64)
    assert wide(x) is x


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ((4, 3), (4, 3), True),
        ((7, 4, 3), (4, 3), True),
        ((4, 3), (7, 4, 3), True),
        ((4, 3), (), True),
        ((4,), (4, 1), False),
        ((4, 1, 8, 8), (4, 64), False),
        ((4, 3), (5, 3), False),
    ],
)
def test_shapes_align_up_to_leading_axes_only(one: tuple[int, ...], other: tuple[int, ...], agree: bool) -> None:
    assert aligned(torch.zeros(one), torch.zeros(other)) is agree
