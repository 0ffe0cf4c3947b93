"""Directions of models that have learned none, and what can be drawn along them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, images_from, noise
from scores.test_score_edit import DATA, Alike, Halves, Knowing
from torch import Generator, Tensor

from latelier.codes.directions import LONGEST, SHARE, fitting, found, movable, rms
from latelier.codes.sampling import draw_given
from latelier.core import Code, Decodes, Encodes, HasLevels, Latent
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.objectives.directions import log_odds, moved, step_towards
from latelier.objectives.langevin import Chain
from latelier.scores.identity import Eye, apart, mean_distance
from latelier.slices import done
from latelier.uses.editing import SURE, Editor, edited_blocks, wishes_of
from latelier.uses.judging import Tally, witness


def fitted(model, images):
    return done(fitting(model, images))


def test_an_edit_to_what_every_reconstruction_shows_is_warned_of() -> None:
    tally = Tally({"old": 1})
    seen = torch.full((5, 1), 0.9)
    tally.add(seen, seen, seen, torch.zeros(5))
    assert tally.warning(None) == "warning: every reconstruction is seen as old already, so no edit can show"
    tally.add(seen, 1 - seen, seen, torch.zeros(5))
    assert tally.warning(None) == ""


def test_fitted_directions_tell_the_attribute_and_point_at_it() -> None:
    directions = fitted(Halves(), DATA.fit)
    assert directions.names == ("left", "above")
    weight = directions.weight["z"]
    assert weight[0, 0] > 3 * weight[0, 1].abs()
    assert weight[1, 1] > 3 * weight[1, 0].abs()
    image = DATA.test.floats(slice(None))
    answer = log_odds(directions, Halves().encode(image).mode()) > 0
    assert (answer.numpy() == DATA.test.attribute).mean() > 0.97
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
    assert "fitted after the fact on 320 images of drawn" in found(Halves(), DATA.fit).said
    rare = np.array(DATA.fit.attribute)
    rare[:, 0] = 0
    assert fitted(Halves(), replace(DATA.fit, attribute=rare)).names == ("above",)
    with pytest.raises(Refusal, match="this model has learned no attributes"):
        found(Halves(), None)
    with pytest.raises(
        Refusal, match=r"drawn: a direction is fitted between .* at least 2 of each, and no attribute has that many"
    ):
        fitted(Halves(), replace(noise(9, Halves().image), attribute=np.ones((9, 1), np.int8), attributes=("a",)))


class Marked(Fake, Encodes, Decodes):
    """z is a mark in the corner, which tells the attribute and is not drawn, and how bright the lower half is, which
    the attribute changes by less than images differ."""

    def __init__(self, shows: float = 1.0):
        super().__init__((1, 8, 8), z=2)
        self.shows = shows

    def encode(self, image: Tensor) -> Point:
        return Point({"z": torch.stack([4 * image[:, 0, 0, 0] - 2, 6 * (image[:, 0, 4:].mean((1, 2)) - 0.5)], 1)})

    def decode(self, code: Code) -> Tensor:
        image = torch.full((len(code["z"]), *self.image), 0.5)
        image[:, :, 4:] += self.shows * code["z"][:, 1, None, None, None] / 6
        return image.clamp(0, 1)


def marked(n: int) -> Images:
    rng = np.random.default_rng(3)
    attribute = rng.integers(0, 2, (n, 1))
    pixels = np.full((n, 8, 8, 1), 128)
    pixels[:, 4:] += (20 * (2 * attribute - 1) + rng.normal(0, 25, (n, 1)))[..., None, None].astype(int)
    pixels[:, 0, 0] = np.clip(60 + 130 * attribute + rng.normal(0, 20, (n, 1)), 0, 255)
    return replace(images_from(pixels.clip(0, 255)), attribute=attribute.astype(np.int8), attributes=("bright",))


def test_a_step_changes_the_drawn_image_where_the_classifiers_weight_does_not() -> None:
    """What tells the attribute best is not drawn; a step is as long as what it changes says."""
    model, data = Marked(), marked(400)
    directions, image = fitted(model, data), data.floats(slice(None))
    weight = directions.weight["z"][0]
    assert weight[0].abs() > 2 * weight[1].abs()
    code = model.encode(image).mode()

    def change(step: Code, by: float) -> float:
        return rms(model.decode(moved(code, step, by)) - model.decode(code)) / rms(image - image.roll(1, 0))

    assert change(step_towards(directions, {"bright": 1}), 1.0) == pytest.approx(SHARE, rel=0.05)
    assert change(step_towards(directions, {"bright": 1}), 3.0) == pytest.approx(3 * SHARE, rel=0.1)
    drawn = model.decode(moved(code, step_towards(directions, {"bright": 1}), 3.0))
    assert (drawn[:, 0, 4:].mean((1, 2)) > model.decode(code)[:, 0, 4:].mean((1, 2)) + 0.01).all()
    again = fitted(model, data).step
    assert again is not None
    assert torch.equal(again["z"], step_towards(directions, {"bright": 1})["z"][None])


def test_a_code_that_is_not_drawn_is_not_moved_out_of_sight() -> None:
    data = marked(100)
    codes = Marked().encode(data.floats(slice(None))).mode()["z"]
    for shows in (0.0, 1e-6):
        step = step_towards(fitted(Marked(shows), data), {"bright": 1})["z"]
        assert float(step.norm()) == pytest.approx(LONGEST * float(codes.var(0, correction=0).mean().sqrt()), rel=1e-3)


def test_identity_does_not_depend_on_how_far_apart_the_models_own_images_are() -> None:
    eye, seen = Eye(torch.device("cpu")), []
    real = mean_distance(eye(DATA.fit.floats(slice(None))))
    for model in (Knowing(), Alike()):
        editor = Editor(model, model.directions(), {"left": 1})
        ((_, rows),) = edited_blocks(
            DATA.test, DATA.fit, editor, lambda image, e=editor: e.by(image, 1.0), None, Tally({})
        )
        done = editor.by(DATA.test.floats(slice(None)), 1.0)
        far = apart(eye(done.image), eye(done.again))
        assert [float(row[0]) for row in rows] == pytest.approx((far / real).tolist(), abs=1e-3)
        seen.append(mean_distance(eye(done.again)))
    assert seen[1] < 0.5 * seen[0]  # a divisor that the model itself could make


@pytest.mark.slow
def test_the_judge_is_a_function_of_real_images_and_says_how_often_it_is_right() -> None:
    images, device = DATA.fit, torch.device("cpu")
    judge = witness(images, ["above", "absent"], device)
    assert judge is not None
    assert (judge.names, judge.images) == (("above",), 288)
    assert judge.right > 0.9
    assert "288 real images, right on" in judge.said
    probability = judge(DATA.test.floats(slice(None)))
    assert ((probability[:, 0] > 0.5).numpy() == DATA.test.attribute[:, 1]).mean() > 0.9
    again = witness(images, ["above"], device)
    assert again is not None
    assert torch.equal(again(DATA.test.floats(slice(None))), probability)
    assert witness(images, ["absent"], device) is None


def test_what_the_judge_saw_is_counted_and_edits_that_hardly_show_are_warned_of() -> None:
    def tally(*after: float, identity: float = 0.1, real: float = 0.1) -> Tally:
        counted = Tally({"old": 1})
        before, drawn = torch.tensor([[0.9], [0.1], [0.2], [0.3], [0.4]]), torch.tensor(after)[:, None]
        counted.add(torch.full((5, 1), real), before, drawn, torch.full((5,), identity))
        return counted

    assert tally(0.9, 0.9, 0.1, 0.1, 0.1).warning(6.0) == ""
    few = tally(0.9, 0.2, 0.3, 0.4, 0.45)
    assert few.said == "old: seen in 20 % of the reconstructions and in 20 % of the edited images"
    assert (
        "of 4 images whose reconstruction is not seen as old, 0 are when edited; move farther (--by 6)"
        in few.warning(6.0)
    )
    assert "edited; train longer, or learn the attribute" in tally(0.9, 0.2, 0.3, 0.4, 0.45, identity=0.6).warning(6.0)
    assert few.warning(6.0, learned=True).endswith("(--by 6); if that does not help, train longer")
    away = Tally({"old": 0})
    away.add(torch.ones(2, 1), torch.tensor([[0.9], [0.1]]), torch.tensor([[0.2], [0.1]]), torch.zeros(2))
    assert (away.lacked, away.changed, away.before, away.after) == (1, 1, 1, 2)
    unseen = tally(0.9, 0.2, 0.3, 0.4, 0.45, real=0.9).warning(6.0)
    assert "the model hardly draws it: of 5 images that show it 1 do so when reconstructed; give it a larger" in unseen
    assert "--by" not in unseen  # however far a code is moved


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
    assert movable(Levels("point", "gaussian")) == ("z1",)  # the lowest keeps the image
    with pytest.raises(Refusal, match="cannot be moved along a line"):
        movable(Kinds("categorical"))


def test_images_are_moved_until_the_classifier_is_sure_and_no_farther() -> None:
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
