"""Nets of a game before training: what is drawn and inferred has the size that the game needs."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Generator, nn

from latelier import build
from latelier.nets.init import init_sd_, init_variance_
from latelier.nets.joint import Waves


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def rectified(n: int, width: int) -> torch.Tensor:
    return torch.randn(n, width, generator=Generator().manual_seed(0)).relu()  # mean square one half


@pytest.mark.parametrize("variance", [1 / 3, 0.5, 1])
def test_a_last_layer_answers_the_variance_it_is_told(variance: float) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(400, 300))
    assert init_variance_(net, variance) is net[1]
    assert float(net[1](rectified(300, 400)).square().mean()) == pytest.approx(variance, rel=0.1)  # sd of it .005


def test_a_transposed_convolution_counts_the_inputs_that_a_pixel_has() -> None:
    torch.manual_seed(0)
    net = nn.ConvTranspose2d(64, 8, 4, 2, 1)
    init_variance_(net, 0.5)
    image = rectified(20, 64 * 36).view(20, 64, 6, 6)
    inside = net(image)[..., 2:-2, 2:-2]  # a pixel at the border has fewer
    assert float(inside.square().mean()) == pytest.approx(0.5, rel=0.15)


def test_doubt_is_the_sd_of_codes_whose_variance_over_images_is_one() -> None:
    torch.manual_seed(0)
    net = nn.Linear(400, 600)
    init_sd_(net, 0.15)
    mean, log_sd = net(rectified(300, 400)).chunk(2, 1)
    sd = log_sd.exp()
    assert float(log_sd.mean()) == pytest.approx(math.log(0.15), abs=0.05)
    assert float((mean.square() + sd.square()).mean()) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("hali", {"levels": (8, 8, 16), "net": "table", "net.width": 0.25}), ("ali", {"latent": 64, "net": "strided"})],
)
def test_both_sides_of_the_game_begin_with_codes_of_one_size(name: str, settings: dict[str, object]) -> None:
    """Of every level, inferred and drawn: else the critic would tell the sides by their codes' scale."""
    torch.manual_seed(0)
    model = build(name, (1, 32, 32), **settings).train()
    g = Generator().manual_seed(0)
    image = torch.rand(64, 1, 32, 32, generator=g)
    inferred, drawn = model.encode(image).sample(g), model.sample_prior(64, g)  # type: ignore[operator]
    for level in model.latents:
        for code in (inferred, drawn):
            assert 0.6 < float(code[level].square().mean()) < 2.4  # twice as much after a residual block


def test_waves_are_sines_and_cosines_of_sums_of_the_pixels() -> None:
    torch.manual_seed(0)
    waves, x = Waves(2, 5.0, 3), torch.rand(4, 1, 1, 2)
    seen = waves(x)
    assert torch.equal(seen[:, :2], x.flatten(1))
    torch.testing.assert_close(seen[:, 2:5].square() + seen[:, 5:].square(), torch.ones(4, 3))
    torch.testing.assert_close(seen[:, 2:5], (x.flatten(1) @ waves.frequencies).sin())
