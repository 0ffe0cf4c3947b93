"""Players: optimisers that walk through memory meet weights, gradients and states that lie in it in other ways."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, RMSprop

from latelier.core import Batch, Losses, Model, Move, Optimiser, Progress
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine import parallel
from latelier.engine.checkpoint import checkpoints, read
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.engine.players import Player, Statistics


def convolution() -> nn.Parameter:
    return nn.Parameter(torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop", "adagrad"])
def test_a_step_is_the_same_however_weights_and_gradients_lie_in_memory(kind: str) -> None:
    """A gradient too may lie in another way than that of the step before."""
    rows = convolution()
    channels_last = nn.Parameter(rows.detach().clone().to(memory_format=torch.channels_last))
    gradients = torch.randn(3, 4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    layouts = (torch.contiguous_format, torch.channels_last, torch.contiguous_format)
    for weight in (rows, channels_last):
        player = Player("p", {"w": weight}, Optimiser(kind, 0.1))
        for gradient, layout in zip(gradients, layouts, strict=True):
            player.step([gradient.contiguous(memory_format=layout)], 1.0)
    torch.testing.assert_close(rows, channels_last, rtol=0, atol=0)


def test_strides_of_weights_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, read, stride = convolution(), list[bool](), torch.Tensor.stride
    player = Player("p", {"w": weight}, Optimiser("adam", 0.1))
    monkeypatch.setattr(nn.Parameter, "stride", lambda self: read.append(True) or stride(self), raising=False)
    for _ in range(3):
        player.step([torch.ones(4, 3, 2, 2)], 1.0)
    assert len(read) == 1


@pytest.mark.parametrize(
    ("settings", "of_torch"),
    [
        (Optimiser("adam", 0.1, (0.5, 0.9), 0.01), lambda w: Adam(w, 0.1, (0.5, 0.9), weight_decay=0.01, fused=True)),
        (Optimiser("sgd", 0.1, (0.9, 0.0), 0.01), lambda w: SGD(w, 0.1, 0.9, weight_decay=0.01, fused=True)),
        (Optimiser("sgd", 0.1, (0.0, 0.0)), lambda w: SGD(w, 0.1, fused=True)),
        (Optimiser("adagrad", 0.1, weight_decay=0.01), lambda w: Adagrad(w, 0.1, weight_decay=0.01)),
        (Optimiser("rmsprop", 0.1, (0.0, 0.8)), lambda w: RMSprop(w, 0.1, alpha=0.8)),
    ],
)
def test_steps_are_those_of_torchs_optimisers(
    settings: Optimiser, of_torch: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
) -> None:
    ours, theirs = convolution(), convolution()
    player, optimiser = Player("p", {"w": ours}, settings), of_torch([theirs])
    for number, gradient in enumerate(torch.randn(4, 4, 3, 2, 2, generator=torch.Generator().manual_seed(1))):
        player.step([gradient], 1 / (1 + number))  # at a falling rate
        optimiser.param_groups[0]["lr"], theirs.grad = 0.1 / (1 + number), gradient.clone()
        optimiser.step()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    kept = {name: value for name, value in optimiser.state[theirs].items() if value is not None}
    state = {name.rpartition("/")[2]: value for name, value in player.state().items()}
    torch.testing.assert_close(state, kept, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop", "adagrad"])
def test_a_state_from_a_file_goes_on_bit_for_bit_in_channels_last(kind: str) -> None:
    weight = nn.Parameter(convolution().detach().to(memory_format=torch.channels_last))
    player = Player("p", {"w": weight}, Optimiser(kind, 0.1))
    gradients = torch.randn(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    player.step([gradients[0]], 1.0)
    resumed = Player("p", {"w": nn.Parameter(weight.detach().clone())}, Optimiser(kind, 0.1))
    resumed.restore({name: value.clone().contiguous() for name, value in player.state().items()})  # as files hold them
    for one in (player, resumed):
        one.step([gradients[1]], 1.0)
    torch.testing.assert_close(player.weights[0], resumed.weights[0], rtol=0, atol=0)


def black() -> Images:
    """Sixteen black images of which nothing is known."""
    return Images(np.zeros((16, 8, 8, 1), np.uint8), np.full(16, -1), np.zeros((16, 0), np.int8), [[]] * 16, [""] * 16)


class Sum(Model):
    """Two weights that are only ever added: autograd gives both one and the same gradient tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))
        self.image, self.latents, self.players = (1, 8, 8), {}, {"model": [self.a, self.b]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": Optimiser("sgd", 1.0, (0.0, 0.0))}

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def play(self, batch: Batch, progress: Progress) -> Losses:
        loss = ((self.a + self.b) * torch.tensor([1.0, 2.0, 2.0])).sum().expand(len(batch.index))
        return Losses({"model": loss.mean()}, {"loss": loss})


@pytest.mark.parametrize(("parts", "clip", "length"), [(1, None, 3.0), (2, None, 3.0), (1, 0.3, 0.3 / 2**0.5)])
def test_a_shared_gradient_is_clipped_and_added_up_once(
    parts: int, clip: float | None, length: float, tmp_path: Path
) -> None:
    model = Sum()
    batches = Batches(black(), 16, seed=0, device=torch.device("cpu"))
    train(model, batches, Plan(total=16, batch=16, parts=parts, clip=clip), tmp_path, {})
    step = torch.tensor([-1.0, -2.0, -2.0]) / 3 * length  # the gradient's norm is 3 for each weight
    torch.testing.assert_close(model.a.detach(), step)
    torch.testing.assert_close(model.b.detach(), step)


class Once(Model):
    """One weight that its first step takes from 0 to 1, where it stays: an average moves by what is left alone."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))
        self.image, self.latents, self.players = (1, 8, 8), {}, {"model": [self.w]}

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": Optimiser("sgd", 1.0, (0.0, 0.0))}

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def play(self, batch: Batch, progress: Progress) -> Losses:
        loss = (self.w - 1).square().expand(len(batch.index)) / 2
        return Losses({"model": loss.mean()}, {"loss": loss})


@pytest.mark.parametrize(("half_life", "left"), [(16.0, 1 / 4), (32.0, 1 / 2), (8.0, 1 / 16)])
def test_an_average_has_half_of_the_way_left_after_its_half_life(half_life: float, left: float, tmp_path: Path) -> None:
    model = Once()
    batches = Batches(black(), 16, seed=0, device=torch.device("cpu"))
    train(model, batches, Plan(total=32, batch=16, ema=half_life, decay="none"), tmp_path, {})
    weights, _ = read(checkpoints(tmp_path)[-1].weights, dict)
    assert float(model.w.detach()) == 1
    assert float(weights["w"]) == pytest.approx(1 - left)


@pytest.mark.parametrize("processes", [1, 2])
def test_running_statistics_end_at_the_mean_over_parts(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each part had been the whole batch; with two processes, as if the other had met the same parts."""
    averaged: list[int] = []
    monkeypatch.setattr(parallel, "world", lambda: processes)
    monkeypatch.setattr(parallel, "average", lambda tensors: averaged.append(len(tensors)))
    norm = nn.BatchNorm1d(2)
    statistics = Statistics(nn.Sequential(nn.Linear(2, 2), norm))
    mean, variance = torch.zeros(2), torch.ones(2)
    for batch in torch.randn(2, 3, 8, 2, generator=torch.Generator().manual_seed(0)) * 3 + 5:
        for part in batch:
            norm(part)
            statistics.collect()
            torch.testing.assert_close(norm.running_mean, mean)  # the next part finds what this one found
        statistics.settle(3 * processes)
        mean = 0.9 * mean + 0.1 * batch.mean((0, 1))
        variance = 0.9 * variance + 0.1 * batch.var(1).mean(0)
        torch.testing.assert_close(norm.running_mean, mean)
        torch.testing.assert_close(norm.running_var, variance)
    assert norm.num_batches_tracked == 2
    assert averaged == [3, 3]
