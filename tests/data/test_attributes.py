"""Attributes of images as models learn them."""

from dataclasses import replace

import numpy as np
import pytest
from scores.fakes import noise

from latelier.data.attributes import hide_attributes, with_attributes, yes_or_no
from latelier.errors import Refusal

BARE = noise(6, label=np.array([0, 1, 2, 1, -1, 0]))
NAMED = replace(
    BARE,
    classes=("sad", "glad"),
    label=np.array([0, 1, 1, 1, -1, 0]),
    attribute=np.array([[1], [0], [-1], [1], [0], [1]], np.int8),
    attributes=("hat",),
)


def test_of_two_classes_the_second_is_an_attribute_beside_the_others() -> None:
    found = with_attributes(NAMED)
    assert found.attributes == ("hat", "glad")
    assert found.attribute.tolist() == [[1, 0], [0, 1], [-1, 1], [1, 1], [0, -1], [1, 0]]
    assert with_attributes(NAMED, ["glad"]).attribute.tolist() == [[0], [1], [1], [1], [-1], [0]]
    assert yes_or_no(NAMED)[0] == ["hat", "glad"]


def test_each_of_many_classes_is_one_where_there_is_nothing_else() -> None:
    found = with_attributes(replace(BARE, classes=("x", "y", "z")))
    assert found.attributes == ("x", "y", "z")
    assert found.attribute[:5].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [-1, -1, -1]]
    assert yes_or_no(BARE)[0] == []


def test_some_are_hidden_on_each_side_of_each() -> None:
    rng = np.random.default_rng(0)
    whole = replace(noise(200), attribute=rng.integers(-1, 2, (200, 2)).astype(np.int8), attributes=("a", "b"))
    among = np.arange(0, 200, 2)
    found = hide_attributes(whole, 5, seed=3, among=among)
    known = found.attribute >= 0
    assert np.array_equal(found.attribute[known], whole.attribute[known])
    assert not known[1::2].any()
    for column in found.attribute.T:
        assert [(column == side).sum() for side in (0, 1)] == [5, 5]
    assert np.array_equal(hide_attributes(whole, 5, 3, among).attribute, found.attribute)
    assert not np.array_equal(hide_attributes(whole, 5, 4, among).attribute, found.attribute)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(Refusal, match='drawn: no attribute "glat"; did you mean "glad"'):
        with_attributes(NAMED, ["glat"])
    with pytest.raises(Refusal, match="drawn has neither attributes nor classes"):
        with_attributes(BARE)
    with pytest.raises(Refusal, match='labels: 3 a side were asked for, but 2 images are known not to have "hat"'):
        hide_attributes(NAMED, 3, 0)
