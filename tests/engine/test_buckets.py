"""Gradients that are averaged in buckets, while others are still computed, are those that are averaged at the end."""

from pathlib import Path

import pytest
import torch
from launched import processes
from torch import nn

from latelier.engine import buckets
from latelier.engine.buckets import _groups

SCRIPT = """
import torch
from torch import nn
from latelier.core import Losses, Optimiser
from latelier.engine import buckets, parallel
from latelier.engine.players import Player, differentiate

with parallel.processes():
    torch.manual_seed(parallel.rank())
    nets = [nn.Sequential(nn.Conv2d(into, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)) for into in (3, 8)]
    nets = [net.to(memory_format=torch.channels_last) for net in nets]
    for net in nets:
        parallel.share(net.parameters())
    players = {str(i): Player(str(i), dict(net.named_parameters()), Optimiser()) for i, net in enumerate(nets)}

    def losses(image):
        out = nets[1](nets[0](image))
        return Losses({"0": out.square().mean(), "1": -out.mean()}, {})

    everyones = torch.randn(parallel.world(), 2, 4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    alone = [differentiate(losses(image), players) for image in everyones.flatten(0, 1)]  # as one process does
    images = everyones[parallel.rank()]
    parts = alone[2 * parallel.rank() :][:2]
    expected, by_one = {}, {}
    for name in players:
        expected[name] = torch._foreach_div(torch._foreach_add(parts[0][name], parts[1][name]), 2)
        parallel.average(expected[name])
        by_one[name] = [sum(of_parts) / len(alone) for of_parts in zip(*(part[name] for part in alone))]

    order, begun = [], buckets._begun
    buckets._begun = lambda flat: order.append("begun") or begun(flat)
    hook = nets[0][0].weight.register_hook(lambda gradient: order.append("last gradient"))
    for size in (1, 1000, 25 << 20):
        order.clear()
        buckets.BYTES = size
        found = differentiate(losses(images[1]), players, parts[0], 2)
        for name in players:
            for one, other, alike, weight in zip(found[name], expected[name], by_one[name], players[name].weights):
                # Two add up in one order. Of four the order goes by where a number lies in its bucket.
                assert torch.equal(one, other) or parallel.world() > 2, (size, name)
                assert (one - alike).abs().max() <= 1e-6 * alike.abs().max(), (size, name)  # measured: 1e-7
                assert one.stride() == weight.stride()
        many = {1: 8, 1000: 7, 25 << 20: 2}[size]
        assert order.count("begun") == many, (size, order)
        assert (order.index("begun") < order.index("last gradient")) == (many > 2), (size, order)
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_gradients_of_several_processes_are_those_of_one_average_and_of_one_process(tmp_path: Path, count: int) -> None:
    """Of two players, the second of two parts, in channels-last weights; buckets begin before the last gradient."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = processes(count, str(script))
    assert done.returncode == 0, done.stderr


def test_buckets_are_filled_from_the_last_weight_and_hold_one_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BYTES", 40)
    weights = [torch.zeros(n, dtype=kind) for n, kind in ((100, torch.float32), (5, torch.float32), (5, torch.float32))]
    assert _groups(weights) == [[2, 1], [0]]
    assert _groups([*weights, torch.zeros(2, dtype=torch.float64)]) == [[3], [2, 1], [0]]


def test_no_hook_is_left_behind() -> None:
    weight = nn.Parameter(torch.ones(2))
    with buckets.Buckets([weight], None, 1.0).listening():
        assert weight._backward_hooks
    assert not weight._backward_hooks
