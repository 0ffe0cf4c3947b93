"""The first screen's images."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sheets.fakes import Fake, view

from latelier.core import Decodes, Model, Samples
from latelier.page.eight import COUNT, LARGEST, eight
from latelier.sheets import ORDER, list_sheets, ordered


class Draws(Model, Decodes, Samples):
    """A game without an encoder."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.latents, self.image = inner, inner.latents, inner.image

    def moves(self):
        return ()

    def decode(self, code):
        return self.inner.decode(code)

    def sample_prior(self, n, generator):
        return self.inner.sample_prior(n, generator)


class Blind(Model):
    """Can do nothing that is seen."""

    moves = None


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


@pytest.mark.parametrize("image", [(1, 8, 8), (3, 33, 20), (3, 300, 600)])
def test_originals_stand_above_their_reconstructions(image):
    seen = view(Fake(image))
    found = eight(seen)
    assert found is not None
    assert len(found.pngs) == min(COUNT, len(seen.image))
    pair, original = opened(found.pngs[0]), seen.image[0]
    assert pair.shape[2] == 4
    assert max(pair.shape[1], pair.shape[0] // 2) <= LARGEST
    assert (pair[..., 3] == 0).any(1).sum() >= 1  # the gap, through which a dark page is dark
    if max(image) <= LARGEST:
        shown = pair[: image[1], :, :3].transpose(2, 0, 1)[: image[0]]
        np.testing.assert_allclose(shown, 255 * original.numpy(), atol=0.51)


def test_a_model_without_an_encoder_shows_what_it_draws_and_a_blind_one_nothing():
    drawn = eight(view(Draws(Fake((1, 8, 8)))))
    assert drawn is not None
    assert drawn.title == "Samples"
    assert len(set(drawn.pngs)) == COUNT
    assert eight(view(Fake((1, 8, 8)))._replace(model=Blind())) is None


def test_a_report_has_an_order_for_every_sheet():
    assert sorted(ORDER) == list_sheets()
    shown = ordered(["zoo", "filters", "samples", "parts", "reconstruct"])
    assert shown == ["parts", "reconstruct", "samples", "filters", "zoo"]
