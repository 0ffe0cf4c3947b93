"""L_w: weights of pixels by the Laplacian energy around them."""

import torch
from torch import Generator

from latelier.objectives import foreground
from latelier.objectives.likelihood import Foreground, Squared


def pictures() -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=Generator().manual_seed(0))


def test_weights_average_one_in_every_channel() -> None:
    torch.testing.assert_close(foreground.weights(pictures()).mean((2, 3)), torch.ones(3, 3))


def test_weights_are_constant_over_patches_of_eight() -> None:
    blocks = foreground.weights(pictures()).unflatten(3, (4, 8)).unflatten(2, (4, 8))
    assert (blocks == blocks[:, :, :, :1, :, :1]).all()
    assert blocks[:, :, :, 0, :, 0].std() > 0


def test_brightness_and_contrast_change_nothing() -> None:
    image = pictures()
    torch.testing.assert_close(foreground.weights(0.3 * image + 0.2), foreground.weights(image))


def test_a_flat_image_weighs_one_everywhere() -> None:
    image = torch.full((2, 3, 16, 16), 0.7)
    image[1, 2] = torch.rand(16, 16, generator=Generator().manual_seed(0))
    weights = foreground.weights(image)
    assert torch.equal(weights[0], torch.ones(3, 16, 16))
    assert weights.isfinite().all()


def test_an_edge_draws_the_weight_to_its_patch() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[..., 2:5, 10:13] = 1
    weights = foreground.weights(image)[0, 0]
    assert (weights[:8, 8:] == 4).all()
    assert weights[8:].sum() == weights[:8, :8].sum() == 0


def test_a_side_that_patches_do_not_fill_is_weighted_too() -> None:
    weights = foreground.weights(pictures()[..., :12, :20])
    assert weights.shape == (3, 3, 12, 20)
    torch.testing.assert_close(weights.mean((2, 3)), torch.ones(3, 3))


def test_equal_weights_give_the_squared_error() -> None:
    weighted, plain = Foreground().build(), Squared().build()
    flat, output = (
        torch.full((2, 3, 16, 16), 0.4),
        0.1 * torch.randn(2, 3, 16, 16, generator=Generator().manual_seed(0)),
    )
    torch.testing.assert_close(weighted.distortion(flat, output), plain.distortion(flat, output))
    expected = (2 * (output + 0.5) - 2 * flat).square().sum((1, 2, 3))  # pixels in [-1, 1], as the source has them
    torch.testing.assert_close(plain.distortion(flat, output), expected)
    # As densities the two are one, a Gaussian: what they weigh in training is no part of it.
    torch.testing.assert_close(weighted.log_likelihood(flat, output), plain.log_likelihood(flat, output))
    gap = plain.log_likelihood(flat, output) + plain.distortion(flat, output)
    torch.testing.assert_close(gap, gap[:1].expand(2))
