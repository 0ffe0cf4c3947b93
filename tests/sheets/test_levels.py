"""Sheets of a hierarchy: reconstructions by each level, and each level's units moved."""

import pytest
import torch
from sheets.fakes import Stacked, view
from sheets.found import places

from latelier.sheets import level_traverse, levels
from latelier.sheets.level_traverse import STOPS, moves_of, strongest
from latelier.sheets.view import pixels


@pytest.fixture
def model() -> Stacked:
    return Stacked((1, 8, 8))


def test_each_level_alone_draws_its_row(model: Stacked) -> None:
    shown = view(model, n=3)
    sheet = levels.draw(shown)
    assert [list(code) for code in model.decoded] == [["z1"], ["z2"]]
    code = model.encode(shown.image).mode()
    rows = [shown.image, model.decode({"z1": code["z1"]}), model.decode({"z2": code["z2"]})]
    tops = [[y for drawn in pixels(row) for y, _ in places(sheet, drawn)] for row in rows]
    assert [len(row) for row in tops] == [3, 3, 3]
    assert all(len(set(row)) == 1 for row in tops)  # each row on one line
    assert tops[0] < tops[1] < tops[2]


def test_a_map_is_multiplied_or_replaced_as_a_whole_and_alone(model: Stacked) -> None:
    code = {"z1": torch.arange(1.0, 9.0).view(1, 2, 2, 2), "z2": torch.tensor([[0.5, -1.0, 0.0]])}
    first, last = moves_of(code, "z1", "multiplied by", [1], (-3.0, 2.0))
    assert torch.equal(first, torch.stack([code["z1"][0, 0], -3 * code["z1"][0, 1]]))
    assert torch.equal(last, torch.stack([code["z1"][0, 0], 2 * code["z1"][0, 1]]))
    assert moves_of(code, "z1", "replaced by", [0], (3.0,))[0].flatten().tolist() == [3, 3, 3, 3, 5, 6, 7, 8]
    assert moves_of(code, "z2", "replaced by", [0, 2], (3.0,)).tolist() == [[3, -1, 0], [0.5, -1, 3]]
    assert moves_of(code, "z2", "multiplied by", [2], STOPS).eq(code["z2"]).all()  # an entry 0 cannot be changed


@pytest.mark.parametrize("way", ["multiplied by", "replaced by"])
def test_the_units_that_change_the_image_most_come_first(model: Stacked, way: str) -> None:
    code = model.fill({"z2": torch.tensor([[0.5, -1.0, 0.01]])})
    for level, units in (("z1", 2), ("z2", 3)):
        here = model.decode({level: code[level]})
        moved = model.decode({level: moves_of(code, level, way, list(range(units)), STOPS[:1])})
        change = (moved - here).square().flatten(1).sum(1)
        assert strongest(view(model), code, level, way) == change.argsort(descending=True).tolist()


def test_what_lies_below_a_moved_entry_follows_it(model: Stacked) -> None:
    level_traverse.draw(view(model))
    assert {tuple(code) for code in model.decoded} == {("z1",), ("z2",)}  # never the old maps beside a moved vector
    last = model.decoded[-1]["z1"]  # the code as drawn, at the mean of the maps
    assert any(torch.equal(last, model.fill(code)["z1"]) for code in model.decoded if "z2" in code)


def test_times_one_is_the_code_as_drawn(model: Stacked) -> None:
    sheet = level_traverse.draw(view(model))
    drawn = places(sheet, pixels(model.decode(model.decoded[-1]))[0])
    assert len(drawn) == 2 * (3 + 2) + (3 + 2)  # in the last column of every row, and where a row is multiplied by 1
