import torch
from sheets.fakes import Fake, view
from sheets.found import places

from latelier.sheets.view import pixels
from latelier.sheets.weights import draw


def test_the_patch_with_edges_is_white_in_its_place():
    image = torch.full((2, 3, 16, 40), 0.5)
    stripes = torch.tensor([0.2, 0.8]).repeat(2)
    image[0, :, 10:14, 26:30] = stripes  # inside the patch of row 1 and column 3
    sheet = draw(view(Fake((3, 16, 40)), n=2)._replace(image=image))
    mask = torch.zeros(1, 1, 16, 40)
    mask[..., 8:, 24:32] = 1
    (above, left), (below, right) = places(sheet, pixels(image[:1])[0])[0], places(sheet, pixels(mask)[0])[0]
    assert right == left
    assert below > above


def test_an_image_without_edges_weighs_the_same_everywhere():
    image = torch.full((1, 1, 16, 24), 0.3)
    sheet = draw(view(Fake((1, 16, 24)), n=1)._replace(image=image))
    ((y, x),) = places(sheet, pixels(image)[0])
    assert (sheet[y + 64 + 10 : y + 130, x : x + 96] == 255).all()  # the mask beneath; each is 64 x 96 px
