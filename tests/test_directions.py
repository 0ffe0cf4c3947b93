"""Directions of models that have learned none, and what can be drawn along them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, noise
from scores.test_score_edit import DATA, Halves, Knowing
from torch import Generator, Tensor

from latelier.core import Encodes, HasLevels, Latent, Refusal
from latelier.directions import fitted, found, movable
from latelier.editing import SURE, Editor, wishes_of
from latelier.objectives.directions import log_odds
from latelier.objectives.langevin import Chain
from latelier.sampling import draw_given


def test_fitted_directions_tell_the_attribute_and_point_at_it() -> None:
    directions = fitted(Halves(), DATA.fit)
    assert directions.names == ("left", "above")
    weight = directions.weight["z"]
    assert weight[0, 0] > 3 * weight[0, 1].abs()
    assert weight[1, 1] > 3 * weight[1, 0].abs()
    image = DATA.test.floats(slice(None))
    told = log_odds(directions, Halves().encode(image).mode()) > 0
    assert (told.numpy() == DATA.test.attribute).mean() > 0.97
    assert directions.unit == 1  # of a Gaussian prior


def test_where_codes_have_no_prior_a_step_is_their_deviation() -> None:
    class Wide(Halves):
        def __init__(self):
            super().__init__()
            self.latents = {"z": Latent((2,), "point")}

        def encode(self, image: Tensor) -> Point:
            return Point({"z": 50 * super().encode(image).mode()["z"] + 7})

    wide, narrow = fitted(Wide(), DATA.fit), fitted(Halves(), DATA.fit)
    codes = Wide().encode(DATA.fit.floats(slice(None))).mode()["z"]
    assert wide.unit == pytest.approx(float(codes.var(0, correction=0).mean().sqrt()), rel=1e-4)
    torch.testing.assert_close(50 * wide.weight["z"], narrow.weight["z"], rtol=1e-2, atol=1e-2)


def test_own_directions_come_first_and_rare_attributes_are_left_out() -> None:
    assert found(Knowing(), None).directions.names == ("above", "left")
    assert "fitted after the fact on 320 pictures of drawn" in found(Halves(), DATA.fit).said
    rare = np.array(DATA.fit.attribute)
    rare[:, 0] = 0
    assert fitted(Halves(), replace(DATA.fit, attribute=rare)).names == ("above",)
    with pytest.raises(Refusal, match="this model has learned no attributes"):
        found(Halves(), None)
    with pytest.raises(Refusal, match="drawn have no attribute that 2 have and 2 have not"):
        fitted(Halves(), replace(noise(9, Halves().image), attribute=np.ones((9, 1), np.int8), attributes=("a",)))


class Kinds(Fake, Encodes):
    def __init__(self, *kinds: str):
        super().__init__((1, 2, 3))
        self.latents = {f"z{number}": Latent((2,), kind) for number, kind in enumerate(kinds, 1)}

    def encode(self, image: Tensor) -> Point:
        raise NotImplementedError


class Levels(Kinds, HasLevels):
    def levels(self) -> tuple[str, ...]:
        return tuple(self.latents)

    def fill(self, code, generator=None):
        raise NotImplementedError


def test_only_latents_that_can_be_moved_along_a_line_are() -> None:
    assert movable(Kinds("bernoulli", "gaussian", "point")) == ("z2", "z3")
    assert movable(Levels("point", "gaussian")) == ("z1",)  # the lowest keeps the picture
    with pytest.raises(Refusal, match="cannot be moved along a line"):
        movable(Kinds("categorical"))


def test_pictures_are_moved_until_the_classifier_is_sure_and_no_farther() -> None:
    image = DATA.test.floats(slice(0, 40))
    editor = Editor(Knowing(), Knowing().directions(), {"left": 1})
    done = editor.until_classified(image, 10.0)
    assert done.sure.all()
    assert (done.seen > np.log(SURE / (1 - SURE))).all()
    for row in range(40):
        by = float(done.by[row])
        torch.testing.assert_close(done.image[row], editor.by(image[row : row + 1], by).image[0])
        assert by == 0 or not editor.by(image[row : row + 1], by - 0.5).sure
    still = editor.until_classified(image, 0.5)
    assert (still.by <= 0.5).all()
    assert not still.sure.all()
    torch.testing.assert_close(done.after - done.before, 4 * done.by[:, None])


def test_draws_are_of_the_posterior_and_accepted_by_the_classifier() -> None:
    drawn = draw_given(Knowing(), Knowing().directions(), {"left": 1, "above": 0}, 200, Generator(), Chain(0.02, 200))
    assert drawn.code["z"].shape == (200, 2)
    assert drawn.code["z"].mean(0).sign().tolist() == [1, -1]
    seen = Knowing().encode(drawn.image).mode()["z"]
    assert (seen[:, 0] > 0).all()
    assert (seen[:, 1] < 0).all()
    torch.testing.assert_close(Knowing().decode(drawn.code), drawn.image)
    with pytest.raises(Refusal, match='no attribute "lefd" in this model; did you mean "left"'):
        draw_given(Knowing(), Knowing().directions(), {"lefd": 1}, 5, Generator())


def test_a_code_without_a_gaussian_prior_cannot_be_drawn_from() -> None:
    model = Knowing()
    model.latents = {"z": Latent((2,), "uniform")}
    with pytest.raises(Refusal, match="need a Gaussian prior, but that of z is uniform"):
        draw_given(model, model.directions(), {"left": 1}, 5, Generator())


def test_wishes_are_words() -> None:
    assert wishes_of(("has hat", "glad=0", "old=1", "a=b")) == {"has hat": 1, "glad": 0, "old": 1, "a=b": 1}
    for words, said in ((("a", "a=0"), "a is asked for both ways"), ((), "no attribute was named")):
        with pytest.raises(Refusal, match=said):
            wishes_of(words)
