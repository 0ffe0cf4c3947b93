"""L_w: weights of pixels by the Laplacian energy around them."""

import pytest
import torch
from torch import Generator

from latelier.objectives import foreground
from latelier.objectives.likelihood import Bernoulli, Calibrated, Foreground, Gaussian, Likelihood, Squared


def images_from() -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=Generator().manual_seed(0))


def test_weights_average_one_in_every_channel() -> None:
    torch.testing.assert_close(foreground.weights(images_from()).mean((2, 3)), torch.ones(3, 3))


def test_weights_are_constant_over_patches_of_eight() -> None:
    blocks = foreground.weights(images_from()).unflatten(3, (4, 8)).unflatten(2, (4, 8))
    assert (blocks == blocks[:, :, :, :1, :, :1]).all()
    assert blocks[:, :, :, 0, :, 0].std() > 0


def test_brightness_and_contrast_change_nothing() -> None:
    image = images_from()
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
    weights = foreground.weights(images_from()[..., :12, :20])
    assert weights.shape == (3, 3, 12, 20)
    torch.testing.assert_close(weights.mean((2, 3)), torch.ones(3, 3))


def test_weights_are_the_patches_mean_laplacian_over_the_images() -> None:
    """One number at a time; beyond its border an image goes on as it ends."""
    image = images_from()[:1, :1, :12, :20]
    x, energy = image[0, 0].tolist(), torch.zeros(12, 20)
    for row in range(12):
        for column in range(20):
            beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            around = sum(x[min(max(i, 0), 11)][min(max(j, 0), 19)] for i, j in beside)
            energy[row, column] = abs(around - 4 * x[row][column])
    wanted = torch.zeros(12, 20)
    for top in (0, 8):
        for left in (0, 8, 16):
            wanted[top : top + 8, left : left + 8] = energy[top : top + 8, left : left + 8].mean()
    torch.testing.assert_close(foreground.weights(image)[0, 0], wanted / wanted.mean())


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


@pytest.mark.parametrize("likelihood", [Squared().build(), Gaussian().build()])
def test_the_mean_image_counts_from_mid_grey_and_stays_in_range(likelihood: Likelihood) -> None:
    output = torch.tensor([-0.75, -0.25, 0.0, 0.25, 0.75])
    assert likelihood.mean(output).tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("likelihood", [Squared().build(), Gaussian().build(), Bernoulli().build()])
def test_likelihoods_are_summed_over_all_but_the_axes_that_are_kept(likelihood: Likelihood) -> None:
    image = images_from()[:2, :, :4, :4]
    output = 0.1 * torch.randn(5, 2, 3, 4, 4, generator=Generator().manual_seed(0))
    kept = likelihood.log_likelihood(image, output, keep=2)
    each = torch.stack([likelihood.log_likelihood(image, one) for one in output])
    assert each.shape == (5, 2)
    torch.testing.assert_close(kept, each)


def test_a_calibrated_variance_learns_from_an_image_alone() -> None:
    """The first batch is all that it has seen."""
    likelihood = Calibrated().build().train()
    likelihood.distortion(torch.full((1, 1, 2, 3), 0.5), torch.full((1, 1, 2, 3), 0.2))
    assert float(likelihood.log_variance().exp()) == pytest.approx(0.2**2)
