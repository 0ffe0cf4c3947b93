"""The sheet of what a deconvolutional decoder puts where."""

import torch
from torch import Generator

from latelier.core import Unpools, need
from latelier.runs.building import build
from latelier.sheets import unpooling
from latelier.sheets.view import View

SMALL = {"maps": (6, 8), "kernels": (3, 2), "pools": (2,)}


def test_every_block_has_one_value_and_the_strongest_maps_come_first() -> None:
    image = torch.rand(3, 1, 8, 8, generator=Generator().manual_seed(0))
    for settings in ({}, {"unpool": "deterministic"}):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = build("dgdn", (1, 8, 8), **SMALL, **settings).eval()
        map = need(model, Unpools).unpooled(image)
        assert map.shape == (3, 6, 6, 6)
        blocks = map.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        assert (blocks.count_nonzero(4) == 1).all()
        corners = (blocks[..., 0] != 0).all()
        assert bool(corners) == bool(settings)
        order = unpooling.strongest(map)
        squares = map.square().sum((0, 2, 3))[order]
        assert (squares[:-1] >= squares[1:]).all()
        names = [f"{number}.png" for number in range(3)]
        sheet = unpooling.draw(View(model, image, names, [""] * 3, [], "dgdn", Generator().manual_seed(0)))
        red, blue = sheet[..., 0].astype(int) - sheet[..., 2], sheet[..., 2].astype(int) - sheet[..., 0]
        assert (red > 100).any()
        assert (blue > 100).any()
