"""Originals above what training shows of them."""

from types import SimpleNamespace

import pytest
from sheets.fakes import Fake, view
from sheets.found import places
from torch import Generator, nn

from latelier.core import Fits, Wrapper
from latelier.data.augment import Augment
from latelier.errors import Refusal
from latelier.heads.joint import Joint
from latelier.sheets.augmented import LOOKS, draw
from latelier.sheets.view import pixels

FLIP, CUT = Augment(flip=True), Augment(cutout=0.5)


class Fitted(Fake, Fits):
    """Never sees a changed image."""

    fit = None


class Learner(Joint):
    """A label head that sees its images without a label through ``CUT``."""

    def __init__(self, inner: Fake, unlabelled: object):
        Wrapper.__init__(self)
        self.inner, self.image, self.latents = inner, inner.image, inner.latents
        self.head = nn.Identity()
        self.head.unlabelled = unlabelled


def rows(drawn, sought) -> int:
    """In how many places of the sheet an image stands."""
    return len(places(drawn, sought))


def test_each_look_is_one_of_those_that_training_has():
    seen = view(Fake((1, 8, 8)), n=4, augment=FLIP)
    drawn = draw(seen)
    for one, mirrored in zip(pixels(seen.image), pixels(seen.image.flip(3)), strict=True):
        assert rows(drawn, one) >= 1
        assert rows(drawn, one) + rows(drawn, mirrored) == 1 + LOOKS


def test_looks_follow_the_generator_and_differ():
    one, again, other = (
        draw(view(Fake((1, 8, 8)), augment=CUT, generator=Generator().manual_seed(seed))) for seed in (2, 2, 3)
    )
    assert (one == again).all()
    assert (one != other).any()
    seen = view(Fake((1, 8, 8)), n=1, augment=CUT)
    expected = [CUT(seen.image, seen.generator) for _ in range(LOOKS)]
    drawn = draw(view(Fake((1, 8, 8)), n=1, augment=CUT))
    assert len({places(drawn, pixels(look)[0])[0] for look in expected}) == LOOKS


def test_strong_views_of_what_is_shown_are_drawn_where_the_run_learns_from_them():
    unlabelled = SimpleNamespace(view=CUT)
    without, shown, both = (
        draw(view(Learner(Fake((1, 8, 8)), learns), augment=augment))
        for learns, augment in ((None, FLIP), (unlabelled, Augment()), (unlabelled, FLIP))
    )
    assert without.shape[0] < both.shape[0]
    assert shown.shape[0] < both.shape[0]
    seen = view(Fake((1, 8, 8)), n=1)
    again = [FLIP(seen.image, seen.generator) for _ in range(LOOKS)]
    strong = CUT(again[0], seen.generator)
    assert rows(draw(view(Learner(Fake((1, 8, 8)), unlabelled), n=1, augment=FLIP)), pixels(strong)[0]) == 1


@pytest.mark.parametrize(
    ("model", "augment", "said"),
    [
        (Fake, Augment(), "shown them as they are: train with --affine 1"),
        (Fitted, FLIP, "this one is fitted: train another"),
    ],
)
def test_a_run_that_sees_its_images_as_they_are_is_refused(model, augment, said):
    with pytest.raises(Refusal, match=said):
        draw(view(model((1, 8, 8)), augment=augment))
