"""Group normalisation, which takes another way where torch's own is slow."""

import pytest
import torch
from torch import Tensor, nn

from latelier.nets.norm import Norm


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_maps_are_normalised_and_learned_from_as_by_torch(layout: torch.memory_format) -> None:
    x = torch.randn(5, 16, 6, 6, generator=torch.Generator().manual_seed(0)).bfloat16()
    ours, theirs = Norm(16).bfloat16(), nn.GroupNorm(8, 16).bfloat16()

    def gone(norm: nn.GroupNorm, image: Tensor) -> list[Tensor]:
        image = image.clone(memory_format=layout).requires_grad_()
        out = norm(image)
        out.pow(2).sum().backward()
        return [out.detach(), image.grad, norm.weight.grad, norm.bias.grad]

    for one, other in zip(gone(ours, x), gone(theirs, x), strict=True):
        assert torch.allclose(one.float(), other.float(), rtol=0.02, atol=0.02)
    assert ours(x).is_contiguous(memory_format=torch.channels_last)
