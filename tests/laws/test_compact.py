"""HALI's compact nets: shapes of any size and number of levels, and what begins as what."""

import math

import pytest
import torch
from torch import Generator, nn

from latelier import build
from latelier.core import Batch, Progress
from latelier.engine.players import differentiate, players_of
from latelier.models.ali import Model as Ali
from latelier.models.hali import Model
from latelier.nets.compact import Compact, down, up
from latelier.nets.pixel_range import ReturningTanh


def made(image: tuple[int, int, int], levels: tuple[int, ...]) -> Model:
    torch.manual_seed(0)
    model = build(
        "hali", image, levels=levels, cycle=(20.0, 5.0)[: len(levels)], **{"net.channels": 4, "net.hidden": 8}
    )
    assert isinstance(model, Model)
    assert isinstance(model.config.net, Compact)
    return model


@pytest.mark.parametrize(
    ("image", "lowest"),
    [((1, 8, 8), (4, 4)), ((1, 28, 28), (7, 7)), ((3, 64, 64), (16, 16)), ((3, 37, 51), (9, 12)), ((1, 9, 3), (4, 1))],
)
@pytest.mark.parametrize("levels", [(8, 16), (16,), (4, 8, 16), (4, 4, 4, 4, 4, 8)])
def test_sizes_close_and_every_net_learns(
    image: tuple[int, int, int], lowest: tuple[int, int], levels: tuple[int, ...]
) -> None:
    model = made(image, levels).train()
    if levels[1:]:
        assert model.latents["z1"].shape == (levels[0], *lowest)
    assert model.latents[f"z{len(levels)}"].shape == (levels[-1],)
    images = torch.rand(4, *image, generator=Generator().manual_seed(0))
    empty = torch.zeros(4, 0, dtype=torch.int64)
    batch = Batch(images, torch.arange(4), torch.full((4,), -1), empty, empty)
    code = model.encode(images).mode()
    assert {name: z.shape[1:] for name, z in code.items()} == {n: torch.Size(c.shape) for n, c in model.latents.items()}
    for name, z in code.items():
        assert model.decode({name: z}).shape == images.shape
    losses = model.play(batch, Progress(0, 1000, Generator().manual_seed(0)))
    found = differentiate(losses, players_of(model, model.optimisers()))
    for gradients in found.values():
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert all(gradient.any() for gradient in gradients if gradient.dim() > 1)


def test_codes_and_images_begin_with_the_scale_of_what_they_meet() -> None:
    """Inferred and drawn codes about variance 1, drawn pixels about half of it before tanh, within what blocks add."""
    torch.manual_seed(0)
    model = build("hali", (1, 32, 32), levels=(8, 16)).eval()
    assert isinstance(model, Model)
    assert isinstance(model.decoder, nn.Sequential)
    generator = Generator().manual_seed(0)
    with torch.no_grad():
        drawn = model.sample_prior(64, generator)
        code = model.encode(torch.rand(64, 1, 32, 32, generator=generator)).sample(generator)
        pixels = model.decoder[:-2](drawn["z1"])  # before tanh
    assert 0.5 < float(drawn["z1"].var()) < 4
    assert all(0.1 < float(z.var()) < 4 for z in code.values())
    assert 0.3 < float(pixels.var()) < 4


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 2), (7, 9), (3, 1)])
def test_maps_grow_back_to_the_size_from_which_they_were_halved(size: tuple[int, int]) -> None:
    maps = torch.zeros(1, 2, *size)
    half = down(2, 3, size)(maps)
    assert half.shape[2:] == tuple(max(1, side // 2) for side in size)
    assert up(3, 2, (half.shape[2], half.shape[3]), size)(half).shape == maps.shape


def test_a_slope_back_from_an_end_of_the_range_is_never_lost() -> None:
    """At -9, 0.5 and 9, for a loss that falls towards 1 and for one that falls towards -1."""
    for sign in (-1.0, 1.0):
        x = torch.tensor([-9.0, 0.5, 9.0], requires_grad=True)
        pixels = ReturningTanh()(x)
        assert torch.equal(pixels, x.tanh())
        (slope,) = torch.autograd.grad((sign * pixels).sum(), x)
        back, out = (0, 2) if sign < 0 else (2, 0)
        assert float(slope[back]) == pytest.approx(0.05 * sign)
        assert abs(float(slope[out])) < 1e-6
        assert float(slope[1]) == pytest.approx(sign * (1 - math.tanh(0.5) ** 2))


def test_a_net_on_mostly_black_images_does_not_end_with_drawing_black() -> None:
    """Squares in sixteen places: a black answer has an error of 4/16, and was the last with torch's tanh."""
    torch.manual_seed(0)
    model = build("ali", (1, 32, 32), game="off", **{"net.channels": 16})
    assert isinstance(model, Ali)
    generator = Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(60):
        image = torch.zeros(16, 1, 4, 8, 4, 8)
        row, column = torch.randint(0, 4, (2, 16), generator=generator)
        image[torch.arange(16), :, row, :, column] = 1
        image = image.reshape(16, 1, 32, 32)
        error = 4 * (image - model.decode(model.encode(image).sample(generator))).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert float(error.detach()) < 0.15
