import numpy as np
import pytest
import torch
from sheets.fakes import Fake, Parted, view
from sheets.found import places
from torch import Generator

from latelier.errors import Refusal
from latelier.sheets import draw_sheet, part_crops, parts
from latelier.sheets.view import pixels

IMAGE, GRID = (3, 16, 40), (2, 5)  # a cell is 8 x 8 pixels


def lit(*cells: tuple[int, int], level: float = 0.9) -> torch.Tensor:
    """A dark image with noise, [3, 16, 40], of which those cells are as bright as ``level``."""
    image = 0.1 * torch.rand(IMAGE, generator=Generator().manual_seed(len(cells)))
    for row, column in cells:
        cell = image[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        cell.copy_(level + cell / 10)
    return image


def test_only_the_cell_where_the_part_is_keeps_its_colours():
    image = torch.rand(2, *IMAGE, generator=Generator().manual_seed(0))
    probability = torch.zeros(2, *GRID)
    probability[0, 1, 3], probability[1, 0, 4] = 1, 0.5
    shown = parts.dimmed(image, probability)
    there = torch.zeros(16, 40, dtype=torch.bool)
    there[8:16, 24:32] = True
    assert torch.equal(shown[0, :, there], image[0, :, there])
    dark = parts.DIM + parts.DIM * image.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert torch.equal(shown[0, :, ~there], dark[0, :, ~there])
    assert torch.allclose(shown[1, :, :8, 32:], (image + dark)[1, :, :8, 32:] / 2)
    assert torch.equal(shown[1, :, 8:], dark[1, :, 8:])


def test_black_white_grey_and_colour_are_all_dimmed():
    image = torch.stack(
        [torch.zeros(IMAGE), torch.ones(IMAGE), torch.rand(IMAGE, generator=Generator().manual_seed(0))]
    )
    share = torch.tensor(parts.SCALE)
    for one in image:
        steps = parts.dimmed(one[None].expand(len(share), -1, -1, -1), share.view(-1, 1, 1))
        assert (steps.diff(dim=0).abs().amax((1, 2, 3)) > 0.02).all()  # 5 levels of 255: every step can be seen
    assert parts.dimmed(image[:, :1], torch.rand(3, *GRID)).shape == (3, *IMAGE)


def test_parts_are_ordered_and_counted_by_their_peaks():
    occurrence = torch.zeros(4, 3, *GRID)
    occurrence[0, 2, 1, 4] = 0.8
    occurrence[:3, 1, 0, 1] = 0.8
    assert parts.most_used(occurrence) == [1, 2, 0]
    assert parts.caption_of(occurrence, 1) == "part 1\npeak 0.60, mean 0.06\nin 75% of images"  # 2.4 / 4, 2.4 / 40
    assert parts.caption_of(occurrence, 2) == "part 2\npeak 0.20, mean 0.02\nin 25% of images"


def test_the_sheet_has_a_row_a_part_and_a_column_an_image():
    shown = view(Parted(IMAGE, GRID))._replace(image=torch.stack([lit((1, 3)), lit((0, 0), (0, 1))]))
    sheet = parts.draw(shown)
    occurrence = shown.model.parts(shown.image).occurrence
    rows = [shown.image, *(parts.dimmed(shown.image, occurrence[:, part]) for part in (1, 0, 2))]
    found = [[places(sheet, drawn)[0] for drawn in pixels(row)] for row in rows]
    assert [sorted(row) for row in found] == found  # columns from the left
    assert all(len({y for y, _ in row}) == 1 for row in found)
    assert sorted(row[0] for row in found) == [row[0] for row in found]  # rows from above
    assert len({x for row in found for _, x in row}) == 2


def test_at_most_twelve_parts_and_eight_images_are_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(parts, "compose", lambda title, bands, footer: drawn.append(bands[0][0]))
    model = Parted((1, 8, 8))
    light = model.parts
    monkeypatch.setattr(
        model, "parts", lambda image: parts.Parts(*(x.repeat(1, 9, *[1] * (x.dim() - 2)) for x in light(image)))
    )
    parts.draw(view(model, n=30))
    assert [len(row) for row in drawn[0].cells] == [8] * 13


def test_the_strongest_cell_of_each_image_in_falling_order():
    probability = torch.full((4, *GRID), 0.1)
    for shown, row, column, value in ((0, 1, 3, 0.7), (0, 0, 0, 0.6), (1, 0, 4, 0.9), (3, 1, 0, 0.7)):
        probability[shown, row, column] = value
    found = part_crops.strongest(probability, 3)
    assert [cell[:3] for cell in found] == [(1, 0, 4), (0, 1, 3), (3, 1, 0)]  # of equals the first; one an image
    assert [cell[3] for cell in found] == pytest.approx([0.9, 0.7, 0.7])


def test_a_crop_is_the_cell_and_one_more_on_every_side():
    shown = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    assert np.array_equal(part_crops.crop(shown, 1, 2, (3, 5)), shown[:24, 8:32])
    corner = part_crops.crop(shown, 2, 4, (3, 5))
    assert np.array_equal(corner[:16, :16], shown[8:, 24:])
    assert (corner[16:, :16] == shown[-1, 24:]).all()  # beyond the border its edge is repeated
    assert (corner[:16, 16:] == shown[8:, -1:]).all()
    assert (corner[16:, 16:] == shown[-1, -1]).all()


@pytest.mark.parametrize(("shape", "grid"), [((33, 9), (4, 2)), ((3, 5), (7, 9)), ((8, 8), (1, 1)), ((30, 50), (4, 7))])
def test_all_crops_of_an_image_have_one_size_and_hold_their_cell(shape, grid):
    shown = np.arange(shape[0] * shape[1]).reshape(*shape, 1)
    crops = [part_crops.crop(shown, y, x, grid) for y in range(grid[0]) for x in range(grid[1])]
    assert {crop.shape for crop in crops} == {crops[0].shape}
    for place, crop in enumerate(crops):
        middle = ((place // grid[1] + 0.5) * shape[0] // grid[0], (place % grid[1] + 0.5) * shape[1] // grid[1])
        assert shown[int(middle[0]), int(middle[1])] in crop


def test_the_crops_of_a_part_stand_in_one_row_the_most_probable_first():
    twice = torch.maximum(lit((1, 3)), lit((0, 0), level=0.7))
    image = torch.stack([lit((0, 1), level=0.6), twice, lit((1, 4), level=0.8)])
    sheet = part_crops.draw(view(Parted(IMAGE, GRID), n=3)._replace(image=image))
    best = ((1, (1, 3)), (2, (1, 4)), (0, (0, 1)))
    found = [places(sheet, part_crops.crop(pixels(image)[i], *cell, GRID)) for i, cell in best]
    assert [len(place) for place in found] == [1, 1, 1]  # one an image
    assert len({place[0][0] for place in found}) == 1
    assert sorted(found) == found


def test_a_model_without_parts_is_told_what_it_can_draw():
    with pytest.raises(
        Refusal,
        match=r"sheet 'part_crops' takes a method that explains an image by parts, .*; it can draw: augmented, codes",
    ):
        draw_sheet("part-crops", view(Fake((1, 8, 8))))
