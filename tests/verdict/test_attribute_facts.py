"""What is measured of attributes, of models of which it is known."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import noise
from scores.test_score_edit import DATA, Knowing
from torch import Tensor

from latelier.core import Code, Directions
from latelier.objectives.attributes import FAKE
from latelier.verdict import attribute_facts
from latelier.verdict.attribute_facts import attributed
from latelier.verdict.facts import measured


class Certain(Knowing):
    """It says of every image that the upper half is bright, and that it is fake."""

    def directions(self) -> Directions:
        own = super().directions()
        weight = {"z": torch.cat([own.weight["z"], torch.ones(1, 2)])}
        return Directions((*own.names, FAKE), weight, torch.tensor([1e3, 0.0, 0.0]))


class Deaf(Knowing):
    """It draws one image."""

    def decode(self, code: Code) -> Tensor:
        return super().decode({"z": 0 * code["z"]})


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Of the judge: it has two things to tell."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(attribute_facts, "STEPS", 40)
        yield


@pytest.fixture(scope="module")
def knowing(quick: None) -> dict[str, float]:
    """What is measured of the model that knows."""
    return attributed(Knowing(), DATA.fit, DATA.test, None)


def test_a_classifier_that_knows_stands_beside_guessing_and_pixels(knowing: dict[str, float]) -> None:
    found = knowing
    assert min(found["attribute left"], found["attribute above"], found["attributes balanced"]) > 95
    assert found["attributes right"] > 95
    had = DATA.test.attribute.mean(0)
    assert found["attributes commonest"] == pytest.approx(100 * np.maximum(had, 1 - had).mean())
    assert found["attributes labels"] == 320
    assert 0 < found["attributes error"] < 3


def test_a_constant_answer_has_a_half_whatever_the_share_and_fakes_are_no_attribute() -> None:
    found = attributed(Certain(), DATA.fit, DATA.test, None)
    assert found["attribute above"] == 50
    assert found["attribute left"] > 95
    assert {name for name in found if name.startswith("attribute ")} == {"attribute above", "attribute left"}
    assert found["attributes balanced"] == pytest.approx((50 + found["attribute left"]) / 2)


def test_pixels_learn_from_as_many_labels(knowing: dict[str, float]) -> None:
    few, many = (attributed(Knowing(), DATA.fit, DATA.test, labels) for labels in (3, 1_000))
    for found, known in ((few, 6), (many, 320), (knowing, 320)):  # there are no more than 320
        assert found["attributes labels"] == known
        assert found["attributes balanced of pixels"] > 90


def test_a_judge_tells_edits_that_show_from_those_that_do_not(knowing: dict[str, float]) -> None:
    shown, deaf = knowing, attributed(Deaf(), DATA.fit, DATA.test, None)
    assert shown["edits judge"] > 80
    assert shown["edits by 3"] > 60
    assert shown["edits by 6"] >= shown["edits by 3"]
    assert deaf["edits by 3"] == deaf["edits by 6"] == 0


def test_who_cannot_tell_real_images_is_no_judge() -> None:
    rng = np.random.default_rng(0)
    vague = [replace(one, attribute=rng.integers(0, 2, one.attribute.shape).astype(np.int8)) for one in DATA[:2]]
    found = attributed(Knowing(), vague[0], vague[1], None)
    assert found["attributes balanced of pixels"] < 65
    assert not any(name.startswith("edits") for name in found)


def test_nothing_is_said_of_attributes_that_images_do_not_show() -> None:
    bare = noise(100, DATA.test.shape)
    assert attributed(Knowing(), bare, bare, None) == {}
    rare = np.array(DATA.test.attribute)
    rare[:, 0] = np.arange(len(rare)) < 4
    found = attributed(Knowing(), DATA.fit, replace(DATA.test, attribute=rare), None)
    assert "attribute above" in found
    assert "attribute left" not in found


def test_it_is_part_of_what_is_measured_for_a_verdict_and_leaves_torchs_own_noise_alone() -> None:
    before = torch.random.get_rng_state()
    one, other = (measured(Knowing(), DATA, supervised=True) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one == other
    assert one["attributes balanced"] > 95
    assert one["edits by 3"] > 60
    assert "accuracy of codes" not in one
