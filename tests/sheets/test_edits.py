"""Sheets of attributes: which images are edited, which way, and what stands under them."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sheets.fakes import Fake, places, view
from sheets.found import places as found_at

from latelier.codes.directions import Found
from latelier.errors import Refusal
from latelier.objectives.directions import log_odds, moved, step_towards
from latelier.sheets import delta, edits, samples
from latelier.sheets.sheet import Grid, compose
from latelier.sheets.view import SheetOptions, pixels
from latelier.uses.judging import Witness
from latelier.verbs.edit import FAR

MODEL = Fake((1, 8, 8))
SHOWN = view(MODEL)
CODE = MODEL.encode(SHOWN.image).mode()
PLACES = places(MODEL).directions
BRIGHTNESS = float(MODEL.decode(CODE).detach().mean())
AGAIN = MODEL.encode(MODEL.decode(CODE)).mode()


@pytest.mark.parametrize(("word", "wish"), [("old", 1), ("old=0", 0)])
@torch.no_grad()
def test_images_that_lack_it_are_shown_as_they_are_reconstructed_and_edited(word: str, wish: int) -> None:
    sheet = edits.draw(SHOWN._replace(options=SheetOptions((word,), 2.0)))
    edited = MODEL.decode(moved(CODE, step_towards(PLACES, {"old": wish}), 2.0))
    lacking = ((log_odds(PLACES, AGAIN)[:, 1] > 0) != bool(wish)).tolist()
    assert 0 < sum(lacking) < len(lacking)
    for number, lacks in enumerate(lacking):
        for drawn in (SHOWN.image, MODEL.decode(CODE), edited):
            assert bool(found_at(sheet, pixels(drawn)[number])) == lacks


@torch.no_grad()
def test_along_fitted_steps_images_are_moved_as_far_as_the_command_moves_them() -> None:
    given = {name: 0.5 * value.flip(0) for name, value in PLACES.weight.items()}
    found = Found(PLACES._replace(step=given), "steps of another way than the weights")
    sheet = edits.draw(SHOWN._replace(options=SheetOptions(("old",)), found=found))
    edited = pixels(MODEL.decode(moved(CODE, {name: value[1] for name, value in given.items()}, FAR)))
    shown = [bool(found_at(sheet, one)) for one in edited]
    assert shown == (log_odds(PLACES, AGAIN)[:, 1] <= 0).tolist()
    assert any(shown)


class Bright(torch.nn.Module):
    """Sees age in light."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 100 * (image.mean((1, 2, 3)) - BRIGHTNESS)[:, None]


@torch.no_grad()
def test_where_there_is_a_judge_it_says_which_images_lack_it_and_what_became_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, sheets = list[list[str]](), list[tuple[Grid, str]]()

    def judge(names: Sequence[str]) -> Witness:
        asked.append(list(names))
        return Witness(("old",), Bright(), 50, 0.9)

    def composed(title: str, bands: list[list[Grid]], footer: str) -> np.ndarray:
        sheets.extend((band[0], footer) for band in bands)
        return compose(title, bands, footer)

    monkeypatch.setattr(edits, "compose", composed)
    sheet = edits.draw(SHOWN._replace(options=SheetOptions(("old",), 2.0), judge=judge))
    again, step = MODEL.decode(CODE), step_towards(PLACES, {"old": 1})
    edited = MODEL.decode(moved(CODE, step, 2.0))
    before, after = (Bright()(image).sigmoid()[:, 0] for image in (again, edited))
    lacking = [row for row, one in enumerate(before.tolist()) if one <= 0.5]
    assert 0 < len(lacking) < len(again)
    assert [bool(found_at(sheet, one)) for one in pixels(again)] == [row in lacking for row in range(len(again))]
    ((grid, footer),) = sheets
    assert [cell.note for cell in grid.cells[2]] == [f"{100 * before[i]:.0f} → {100 * after[i]:.0f} %" for i in lacking]
    assert "judged by a classifier that learned from 50 real images, right on 90 % of others" in footer
    assert "log-odds" not in footer
    edits.draw(SHOWN._replace(judge=judge))
    assert asked == [["old"], ["glad", "old"]]  # one judge a sheet
    assert "log-odds" in sheets[-1][1]  # of what it does not know
    assert "%" not in sheets[1][0].cells[2][0].note


@torch.no_grad()
def test_a_strip_goes_from_minus_to_plus_around_the_reconstruction() -> None:
    sheet = delta.draw(SHOWN._replace(options=SheetOptions(("glad",), -4.0)))
    step = step_towards(PLACES, {"glad": 1})
    left = [found_at(sheet, pixels(MODEL.decode(moved(CODE, step, by)))[0])[0][1] for by in np.linspace(-4, 4, 9)]
    assert left == sorted(left)
    assert len(set(left)) == 9


def test_without_directions_they_are_refused() -> None:
    bare = SHOWN._replace(found=None)
    for sheet, options in ((edits, SheetOptions()), (delta, SheetOptions()), (samples, SheetOptions(given=("old",)))):
        with pytest.raises(Refusal, match="goes along attributes, and this model has learned none: latelier draw RUN"):
            sheet.draw(bare._replace(options=options))
