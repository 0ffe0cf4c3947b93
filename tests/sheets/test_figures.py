import numpy as np
import pytest

from latelier.sheets.figures import mosaic, side_by_side
from latelier.sheets.sheet import MARGIN, NARROWEST, WIDEST, Panel, compose


def noise(n: int, height: int, width: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def test_a_mosaic_holds_every_image_magnified_in_its_place():
    images = noise(5, 4, 6)
    page = mosaic(images, 3, width=3 * 12, gap=0)
    assert page.shape == (16, 36, 3)
    for i, image in enumerate(images):
        y, x = i // 3 * 8, i % 3 * 12
        assert np.array_equal(page[y : y + 8, x : x + 12, 2], np.kron(image[..., 0], np.ones((2, 2), np.uint8)))
    assert (page[8:, 24:] == 255).all()  # an empty place


def test_gaps_are_white_and_between_images_alone():
    page = mosaic(np.zeros((4, 5, 5, 3), np.uint8), 2, width=13, gap=3)
    assert page.shape == (13, 13, 3)
    assert (
        (page == 255).all(2) == np.isin(np.arange(13), (5, 6, 7))[:, None] | np.isin(np.arange(13), (5, 6, 7))
    ).all()


@pytest.mark.parametrize(("side", "across"), [(8, 20), (28, 20), (64, 20), (128, 20), (300, 2), (1, 1), (97, 7)])
def test_a_mosaic_fits_whatever_its_images(side, across):
    page = mosaic(noise(across, side, side), across)
    assert page.shape[1] <= 1120
    assert page.shape[0] <= max(96, side)


def test_a_panel_is_shown_as_it_is():
    image = noise(1, 130, 250, 3)[0]
    sheet = compose("", [[Panel(image, "heading")]], "")
    rows = [y for y in range(sheet.shape[0] - 129) if np.array_equal(sheet[y : y + 130, MARGIN : MARGIN + 250], image)]
    assert len(rows) == 1


@pytest.mark.parametrize("bands", [1, 2])
@pytest.mark.parametrize("across", [1, 2, 4, 6])
def test_models_stand_side_by_side_on_one_sheet(bands, across):
    band = {f"{i} numbers in the code of this model": noise(30, 28, 28) for i in range(across)}
    sheet = side_by_side("title", [band] * bands, "footer")
    assert NARROWEST <= sheet.shape[1] <= WIDEST
    assert (sheet[:, -MARGIN:] == 255).all()
