"""Attributes of images as models learn them."""

from dataclasses import replace

import numpy as np
import pytest
from scores.fakes import noise

from latelier.data.attributes import hide_attributes, holding, with_attributes, with_unions, yes_or_no
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


def test_a_union_of_attributes_is_an_attribute_and_unknown_only_where_it_must_be() -> None:
    values = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [0, 0, 1], [-1, 0, 1], [-1, 1, 1]], np.int8)
    faces = replace(noise(6), attribute=values, attributes=("Goatee", "Mustache", "No_Beard"))
    name = "Goatee|Mustache | !No_Beard"
    found = with_attributes(faces, [name, "Goatee"])
    assert found.attributes == (name, "Goatee")
    assert found.attribute[:, 0].tolist() == [1, 1, 1, 0, -1, 1]
    assert with_attributes(faces, ["!Goatee"]).attribute[:, 0].tolist() == [0, 1, 1, 1, -1, -1]
    assert holding(faces, name).tolist() == [True, True, True, False, False, True]
    assert holding(NAMED, "!glad").tolist() == [True, False, False, False, False, True]
    again = with_unions(with_unions(faces, [name]), [name, "Goatee"])
    assert again.attributes == (*faces.attributes, name)
    assert with_unions(faces, ["Goatee|Hat", "Hat"]) is faces
    named = replace(faces, attributes=("a|b", "a", "b"))
    assert with_attributes(named, ["a|b"]).attribute[:, 0].tolist() == values[:, 0].tolist()  # it is there by that name
    for unknown in ("Goatee|Hat", "!Hat", "|"):
        with pytest.raises(Refusal, match="no attribute"):
            with_attributes(faces, [unknown])
