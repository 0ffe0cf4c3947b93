import numpy as np
import pytest
import torch
from scores.fakes import Layered, Repaints, images_from, noise
from torch import Generator

from latelier.scores.common import Splits
from latelier.scores.reconstruction import largest_window, score, ssim


def scored(images, repaint):
    return score(Repaints(images.shape, repaint), Splits(images, images), Generator())


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 20)])
def test_an_exact_reconstruction(shape) -> None:
    assert scored(noise(5, shape), lambda image: image) == pytest.approx(
        {"MSE per pixel value": 0, "PSNR dB": 100, "SSIM": 1}
    )


@pytest.mark.parametrize("size", [8, 28])
def test_a_constant_offset_on_a_constant_image_in_closed_form(size) -> None:
    a, b = 102 / 255, 102 / 255 + 0.1
    values = scored(images_from(np.full((3, size, size, 1), 102)), lambda image: image + 0.1)
    # Without variance only the luminance term of SSIM is left, with c1 = 0.01^2.
    exact = {"MSE per pixel value": 0.01, "PSNR dB": 20, "SSIM": (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)}
    assert values == pytest.approx(exact, abs=3e-4)  # in float32, E x^2 - (E x)^2 is off by 1e-7, beside c2 = 9e-4


def test_psnr_is_the_mean_over_images_and_not_that_of_the_mean_error() -> None:
    images = images_from(np.stack([np.zeros((8, 8, 1)), np.full((8, 8, 1), 255)]))
    values = scored(images, lambda image: torch.where(image < 0.5, image + 0.1, image - 0.01))
    assert values["PSNR dB"] == pytest.approx(30, abs=1e-3)  # of 20 and 40; of the mean error it would be 23


def test_each_level_above_the_first_has_its_own_psnr() -> None:
    images = images_from(np.stack([np.full((3, 2, 1), 9), np.tile([0, 255], 3).reshape(3, 2, 1)]))
    values = score(Layered(images.shape), Splits(images, images), Generator())
    assert values["PSNR dB"] == 100  # of the first level, which is the image
    assert values["PSNR dB of z2"] == pytest.approx(50)  # own mirror image, and no pixel right
    assert [name for name in values if "PSNR" in name] == ["PSNR dB", "PSNR dB of z2"]


def slow_ssim(x: np.ndarray, y: np.ndarray, window: int, sd: float) -> float:
    """Equation 13 of Wang et al. 2004, window by window, for one channel."""
    offset = np.arange(window) - window // 2
    g = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * sd**2))
    g /= g.sum()
    values = []
    for i in range(x.shape[0] - window + 1):
        for j in range(x.shape[1] - window + 1):
            u, v = x[i : i + window, j : j + window], y[i : i + window, j : j + window]
            mu, mv = (g * u).sum(), (g * v).sum()
            vu, vv, cuv = (g * (u - mu) ** 2).sum(), (g * (v - mv) ** 2).sum(), (g * (u - mu) * (v - mv)).sum()
            c1, c2 = 0.01**2, 0.03**2
            values.append((2 * mu * mv + c1) * (2 * cuv + c2) / ((mu**2 + mv**2 + c1) * (vu + vv + c2)))
    return float(np.mean(values))


@pytest.mark.parametrize(("height", "width", "window", "sd"), [(8, 9, 7, 6 / 7), (4, 4, 3, 2 / 7), (13, 16, 11, 1.5)])
def test_ssim_equals_its_definition(height, width, window, sd) -> None:
    x = torch.rand(2, 2, height, width, generator=Generator().manual_seed(0))
    y = (x + 0.2 * torch.randn(x.shape, generator=Generator().manual_seed(1))).clamp(0, 1)
    slow = [np.mean([slow_ssim(x[i, c].numpy(), y[i, c].numpy(), window, sd) for c in range(2)]) for i in range(2)]
    assert largest_window(height, width) == window
    np.testing.assert_allclose(ssim(x, y), slow, atol=1e-4)


def test_an_image_too_small_for_a_window_has_no_ssim() -> None:
    assert set(scored(noise(3, (1, 2, 5)), lambda image: image)) == {"MSE per pixel value", "PSNR dB"}


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 64, 40)])
def test_ssim_is_that_of_torchmetrics(shape) -> None:
    from torchmetrics.functional.image import structural_similarity_index_measure

    x = torch.rand(6, *shape, generator=Generator().manual_seed(0))
    x[0] = 0.4  # an even image, whose variance is lost in float32
    y = (
        x
        + torch.tensor([0.1, 0.3, 0.1, 0.03, 0.01, 0]).view(6, 1, 1, 1)
        * torch.randn(x.shape, generator=Generator().manual_seed(1))
    ).clamp(0, 1)
    y[0] = 0.5
    _, full = structural_similarity_index_measure(
        y, x, sigma=1.5, kernel_size=11, data_range=1.0, reduction="none", return_full_image=True
    )
    edge = slice(5, -5)  # the map covers a mirrored border, which the mean over whole windows leaves out
    torch.testing.assert_close(ssim(x, y), full[..., edge, edge].flatten(1).mean(1), atol=5e-5, rtol=0)
    assert ssim(x[:1], y[:1]).item() == pytest.approx((2 * 0.4 * 0.5 + 1e-4) / (0.4**2 + 0.5**2 + 1e-4), abs=1e-5)
