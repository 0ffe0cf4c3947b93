"""A net that has run wild still gives a posterior that can be drawn from: spreads are bounded before they are used."""

import pytest
import torch
from every import GREY, SMALL
from torch import Generator, Tensor

from latelier.core import Encodes, need
from latelier.runs.building import assemble

METHODS = {  # how many times too large weights are: more in many layers is more than a float holds
    **dict.fromkeys(("vae", "ali", "hali", "dcign", "introvae", "spritevae", "dgdn"), 100),
    "patchvae": 10,
}


def wild(method: str) -> list[Tensor]:
    """Draws and divergences of codes by a net whose weights are many times too large."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model, _ = assemble(method, GREY, ("a", "b"), SMALL.get(method, {}))
        model.eval()
        for weight in model.parameters():
            weight.mul_(METHODS[method])
        posterior = need(model, Encodes).encode(torch.rand(8, *GREY, generator=Generator().manual_seed(1)))
        drawn = posterior.sample(Generator().manual_seed(2))
        return [*drawn.values(), *posterior.rate().values()]


@pytest.mark.parametrize("method", METHODS)
def test_codes_of_a_wild_net_are_finite(method: str) -> None:
    found = wild(method)
    assert found
    assert all(bool(value.isfinite().all()) for value in found)


@pytest.mark.parametrize("method", METHODS)
def test_without_bounds_they_would_not_be(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "clamp", lambda x, *bounds, **named: x)
    assert not all(bool(value.isfinite().all()) for value in wild(method))
