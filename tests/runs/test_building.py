from typing import Any

import pytest
from torch import nn

from latelier.errors import Refusal
from latelier.heads.joint import Joint
from latelier.runs.building import assemble, nets


@pytest.mark.parametrize("settings", [{}, {"head": "softmax"}])
def test_the_nets_of_a_model_are_found_through_a_wrapper(settings: dict[str, Any]) -> None:
    """They are what --compile compiles: compiling a model itself does nothing, for its moves do not go through
    ``forward``."""
    model, _ = assemble("vae", (1, 8, 8), ("a", "b"), {"net": "mlp", **settings})
    inner = model.inner if settings else model
    assert isinstance(inner, nn.Module)
    found = {id(net) for net in nets(model)}
    assert {id(part) for part in inner.children()} <= found
    assert not {id(model), id(inner)} & found


def test_any_field_of_a_label_head_asks_for_one() -> None:
    model, card = assemble("vae", (1, 8, 8), ("a", "b"), {"net": "mlp", "head.weight": 5})
    assert isinstance(model, Joint)
    assert card.head is not None
    assert (card.head["kind"], card.head["weight"]) == ("softmax", 5.0)
    model, card = assemble("vae", (1, 8, 8), ("a", "b"), {"net": "mlp", "head": "none", "head.weight": 5})
    assert not isinstance(model, Joint)
    assert card.head is None


def test_a_label_head_takes_the_place_of_the_classifiers_own_softmax() -> None:
    alone, _ = assemble("classifier", (1, 8, 8), ("a", "b"), {"net": "mlp"})
    assert alone.state_dict()["head.weight"].shape == (2, 32)
    headed, card = assemble("classifier", (1, 8, 8), ("a", "b"), {"net": "mlp", "head": "softmax"})
    assert [name for name in headed.state_dict() if "encoder" not in name] == ["head.linear.weight", "head.linear.bias"]
    assert (card.config["classes"], card.head and card.head["weight"]) == (0, 1.0)
    again, _ = assemble("classifier", (1, 8, 8), ("a", "b"), {**card.config, "head": card.head})
    assert again.state_dict().keys() == headed.state_dict().keys()


def test_a_classifier_of_an_earlier_version_keeps_its_own_softmax_beside_a_head() -> None:
    both, _ = assemble("classifier", (1, 8, 8), ("a", "b"), {"net": "mlp", "head": "softmax", "classes": 2})
    assert {"inner.head.weight", "head.linear.weight"} <= both.state_dict().keys()


def test_a_classifier_without_any_softmax_is_refused() -> None:
    with pytest.raises(Refusal, match="classifier: classes=0 leaves classes to a label head; say --set head=softmax"):
        assemble("classifier", (1, 8, 8), ("a", "b"), {"net": "mlp", "classes": 0})
