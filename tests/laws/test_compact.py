"""HALI's compact nets: shapes of any size and number of levels, and what begins as what."""

import pytest
import torch
from torch import Generator, nn

from latelier import build
from latelier.core import Batch, Progress
from latelier.engine.players import differentiate, players_of
from latelier.models.hali import Model
from latelier.nets.compact import Compact, down, up


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
    pictures = torch.rand(4, *image, generator=Generator().manual_seed(0))
    empty = torch.zeros(4, 0, dtype=torch.int64)
    batch = Batch(pictures, torch.arange(4), torch.full((4,), -1), empty, empty)
    code = model.encode(pictures).mode()
    assert {name: z.shape[1:] for name, z in code.items()} == {n: torch.Size(c.shape) for n, c in model.latents.items()}
    for name, z in code.items():
        assert model.decode({name: z}).shape == pictures.shape
    losses = model.play(batch, Progress(0, 1000, Generator().manual_seed(0)))
    found = differentiate(losses, players_of(model, model.optimisers()))
    for gradients in found.values():
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert all(gradient.any() for gradient in gradients if gradient.dim() > 1)


def test_codes_and_pictures_begin_with_the_scale_of_what_they_meet() -> None:
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
