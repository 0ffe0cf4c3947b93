"""Latent semantic innovation: oracle 6 of the facts about HALI, and a sheet of real images changed by it."""

from collections.abc import Callable

import pytest
import torch
from sheets.fakes import Stacked, view
from sheets.found import places
from torch import Generator, Tensor

import latelier
from latelier.core import Code
from latelier.sheets.innovation import SCALES, draw, innovation, strongest
from latelier.sheets.view import pixels


@pytest.fixture
def model() -> Stacked:
    return Stacked((1, 8, 8))


@pytest.fixture
def code(model: Stacked) -> Code:
    found = model.encode(torch.rand(4, 1, 8, 8, generator=Generator().manual_seed(0))).mode()
    return {name: value.detach().clone() for name, value in found.items()}


def seeded() -> Generator:
    return Generator().manual_seed(5)


drawn_or_not = pytest.mark.parametrize("generator", [lambda: None, seeded], ids=["means", "draws"])


@drawn_or_not
@pytest.mark.parametrize("scale", [-3.0, 0.0, 0.5, 2.0])
def test_a_linear_level_is_moved_along_one_column(
    model: Stacked, code: Code, scale: float, generator: Callable[[], Generator | None]
) -> None:
    for entry in range(3):
        expected = (1 - scale) * code["z2"][:, entry, None] * model.down.weight[:, entry]
        found = innovation(model, code, entry, scale, generator())
        torch.testing.assert_close(found.flatten(1), expected, atol=1e-6, rtol=1e-5)


@drawn_or_not
def test_a_factor_of_one_is_no_innovation_at_all(generator: Callable[[], Generator | None]) -> None:
    """Of a real net, whose levels are not linear, too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hali = latelier.build("hali", image=(1, 16, 16), levels=(4, 8, 16), net="table", spread=0.3).eval()
    with torch.no_grad():
        found = hali.sample_prior(3, seeded())
        assert innovation(hali, found, 2, 1.0, generator()).eq(0).all()
        assert innovation(hali, found, 2, 2.0, generator()).ne(0).any()


@drawn_or_not
def test_an_entry_of_zero_cannot_be_multiplied(
    model: Stacked, code: Code, generator: Callable[[], Generator | None]
) -> None:
    code["z2"][:, 1] = 0
    assert innovation(model, code, 1, -3.0, generator()).eq(0).all()


def test_draws_follow_the_generator_and_leave_the_code_alone(model: Stacked, code: Code) -> None:
    before, generator = code["z2"].clone(), seeded()
    innovation(model, code, 0, 2.0, generator)
    assert torch.equal(code["z2"], before)
    assert not torch.equal(generator.get_state(), seeded().get_state())  # the next innovation has noise of its own


def test_the_sheet_changes_the_images_own_lowest_level(model: Stacked) -> None:
    shown = view(model, n=2)
    sheet = draw(shown)
    code = model.encode(shown.image).mode()
    for drawn in pixels(shown.image):
        assert len(places(sheet, drawn)) == 3  # the originals, once for each of three entries
    assert len(places(sheet, pixels(model.decode({"z1": code["z1"]}))[0])) == 3  # times 1, the reconstruction


def test_the_entries_that_change_the_images_most_come_first(model: Stacked, code: Code) -> None:
    changes: list[Tensor] = []
    here = model.decode({"z1": code["z1"]})
    for entry in range(3):
        lowest = code["z1"] - innovation(model, code, entry, SCALES[0])
        changes.append((model.decode({"z1": lowest}) - here).square().mean())
    assert strongest(view(model), code) == torch.stack(changes).argsort(descending=True).tolist()
