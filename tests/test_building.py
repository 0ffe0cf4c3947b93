from typing import Any

import pytest
from torch import nn

from latelier.building import assemble, nets


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
