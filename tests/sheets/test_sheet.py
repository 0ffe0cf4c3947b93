import numpy as np
import pytest
from PIL import Image

from latelier.errors import Refusal
from latelier.sheets.sheet import (
    MARGIN,
    NARROWEST,
    WIDEST,
    Cell,
    Grid,
    compose,
    fitting,
    font,
    save,
    shown,
    wrap,
)

LONG = "a_file_name_without_any_place_to_break_it_" * 2 + "and then words of which there are many " * 2


def noise(height: int, width: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def edges(sheet: np.ndarray) -> np.ndarray:
    """The pixels of all four margins."""
    parts = (sheet[:MARGIN], sheet[-MARGIN:], sheet[:, :MARGIN], sheet[:, -MARGIN:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


@pytest.mark.parametrize("side", range(1, 97))
def test_a_small_image_is_shown_in_48_to_96_px_by_a_whole_factor(side):
    width, height = shown(side, side)
    assert width == height
    assert width % side == 0
    assert 48 <= width <= 96


@pytest.mark.parametrize("side", [97, 128, 129, 256, 1000])
def test_a_big_image_is_shown_in_at_most_128_px(side):
    assert 48 <= shown(side, side)[0] <= 128


def test_an_image_is_magnified_without_smoothing_and_in_its_own_values():
    image = np.array([[[0], [255]], [[90], [180]]], np.uint8)
    sheet = compose("", [[Grid([[Cell(image)]])]], "")
    block = np.kron(image[:, :, 0], np.ones((48, 48), np.uint8))
    found = [
        (y, x)
        for y in range(sheet.shape[0] - 95)
        for x in range(MARGIN, MARGIN + 8)
        if np.array_equal(sheet[y : y + 96, x : x + 96, 1], block)
    ]
    assert len(found) == 1


def test_colours_keep_their_order():
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    sheet = compose("", [[Grid([[Cell(red)]])]], "")
    assert (sheet == (255, 0, 0)).all(2).sum() == 96 * 96


@pytest.mark.parametrize("width", [30, 96, 500])
def test_wrapped_lines_fit_and_lose_nothing(width):
    lines = wrap(LONG, font(13), width)
    assert max(font(13).getlength(line) for line in lines) <= width
    assert "".join(lines).replace(" ", "") == LONG.replace(" ", "")


def test_wrapping_breaks_between_words_where_it_can():
    assert wrap("one two\nthree", font(13), 1000) == ["one two", "three"]
    assert wrap("one two", font(13), font(13).getlength("one tw")) == ["one", "two"]


def test_captions_of_any_length_stay_off_the_margins():
    cells = [[Cell(noise(8, 8), note=LONG, marked=True)] * 3] * 2
    grid = Grid(cells, rows=[LONG] * 2, columns=[LONG] * 3, heading=LONG)
    sheet = compose(LONG, [[grid], [grid, grid]], LONG)
    assert (edges(sheet) == 255).all()
    assert (sheet < 200).any()  # and yet something is drawn


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (24, 40), (64, 64), (130, 130), (300, 200), (20, 200)])
def test_as_many_as_fit_make_no_sheet_too_wide(height, width):
    row = [Cell(noise(height, width), note="21.3 dB")] * fitting(width, height)
    columns = [LONG] * len(row)
    assert NARROWEST <= compose("", [[Grid([row], rows=[LONG], columns=columns)]], "").shape[1] <= WIDEST
    half = Grid([[Cell(noise(height, width))] * fitting(width, height, grids=2)])
    assert len(half.cells[0]) > 1
    assert NARROWEST <= compose("", [[half, half]], "").shape[1] <= WIDEST


def test_an_empty_place_stays_white():
    full = compose("", [[Grid([[Cell(noise(8, 8))] * 2])]], "")
    gap = compose("", [[Grid([[None, Cell(noise(8, 8))]])]], "")
    assert (gap < 255).any(2).sum() * 2 == (full < 255).any(2).sum()


def test_names_that_no_encoding_knows_are_drawn():
    compose("\udcff\u0000\t名", [[Grid([[Cell(noise(8, 8))]], columns=["\udc80"])]], "")


def test_saves_what_was_drawn_and_nothing_else(tmp_path):
    sheet = compose("title", [[Grid([[Cell(noise(9, 7, 3))]])]], "footer")
    save(sheet, tmp_path / "new" / "sheet.PNG")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "sheet.PNG")), sheet)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sheet.PNG"]


@pytest.mark.parametrize("name", ["sheet.jpg", "sheet", "sheet.png.txt"])
def test_refuses_other_suffixes(tmp_path, name):
    with pytest.raises(Refusal, match=r"does not end in \.png"):
        save(compose("", [[Grid([[Cell(noise(8, 8))]])]], ""), tmp_path / name)
    assert not list(tmp_path.iterdir())
