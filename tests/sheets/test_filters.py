import numpy as np
import pytest
import torch
from sheets.fakes import Fake, view
from torch import Tensor, nn

import latelier
from latelier.core import HasFilters, need
from latelier.sheets import filters
from latelier.sheets.figures import mosaic

CONV = {"net": "conv", "net.channels": (6,)}
MLP = {"net": "mlp", "net.widths": (5,)}


def first_weights(model: nn.Module) -> Tensor:
    """What multiplies the pixels, found by its input and not by its place: the layer that is called first."""
    called: list[nn.Module] = []
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_pre_hook(lambda layer, _: called.append(layer))
    model.encode(torch.rand(2, *model.image))
    return called[0].weight


@pytest.mark.parametrize("method", ["autoencoder", "vae", "classifier"])
@pytest.mark.parametrize("settings", [CONV, MLP, {"net": "mlp", "net.widths": ()}, {"net": "resnet"}])
def test_filters_are_the_weights_that_meet_the_pixels(method, settings):
    model = latelier.build(method, image=(3, 16, 24), **settings, latent=4)
    weights, shown = first_weights(model), need(model, HasFilters).filters()
    assert shown.shape[1] == 3
    if weights.ndim == 2:
        image = torch.rand(3, 16, 24)
        torch.testing.assert_close((shown * image).sum((1, 2, 3)), weights @ image.flatten())
    else:
        assert torch.equal(shown, weights)


def test_filters_of_pca_are_its_components():
    model = latelier.build("pca", image=(1, 3, 4), latent=5)
    model.components.normal_()
    assert torch.equal(model.filters()[4, 0], model.components[4].view(3, 4))


def test_a_weight_of_0_is_mid_grey_and_every_filter_has_its_own_range():
    weights = torch.tensor([[0.0, 2.0, -1.0, -2.0], [0.0, 0.0, 10.0, 5.0], [0.0] * 4]).view(3, 1, 2, 2)
    shown = filters.as_images(weights)[..., 0].reshape(3, 4)
    assert shown.tolist() == [[128, 255, 64, 0], [128, 128, 255, 191], [128] * 4]


def test_the_sheet_shows_the_first_hundred():
    model = Fake((1, 6, 6))
    model.into = nn.Linear(36, 140)
    expected = mosaic(filters.as_images(model.filters()[:100].detach()), 10, gap=3)
    sheet = filters.draw(view(model))
    height, width, _ = expected.shape
    assert any(np.array_equal(sheet[y : y + height, 24 : 24 + width], expected) for y in range(100))
