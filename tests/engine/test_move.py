"""One move: what is said of a step that is not finite, and what a step is timed by."""

import math
import re
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latelier.core import Batch, Losses, Model, Move, Optimiser, Progress
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine import buckets, parallel
from latelier.engine.loop import train
from latelier.engine.move import Diverged, play
from latelier.engine.plan import Plan
from latelier.engine.players import Statistics, players_of
from latelier.engine.timing import step_seconds


class Two(Model):
    """Two weights of one player, and any loss of them and of the batch; terms are reported beside it."""

    def __init__(self, loss: Callable[["Two", Batch, Progress], Tensor], **terms: Callable[[Batch], Tensor]):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(2))
        self.image, self.latents, self.players = (1, 4, 4), {}, {"model": [self.a, self.b]}
        self.loss, self.terms = loss, terms

    def optimisers(self) -> dict[str, Optimiser]:
        return {"model": Optimiser("sgd", 0.5, (0.0, 0.0))}

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def play(self, batch: Batch, progress: Progress) -> Losses:
        return Losses({"model": self.loss(self, batch, progress)}, {name: f(batch) for name, f in self.terms.items()})


def batches(size: int = 16) -> Batches:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 4, 4, 1), np.uint8)
    names = [f"{i:03}.png" for i in range(32)]
    images = Images(pixels, np.full(32, -1), np.zeros((32, 0), np.int8), [[]] * 32, names)
    return Batches(images, size, seed=0, device=torch.device("cpu"))


def said(model: Model, folder: Path, size: int = 16, **options: float) -> str:
    """Of the step that diverges."""
    with pytest.raises(Diverged) as raised:
        train(model, batches(size), Plan(total=64, batch=size, **options), folder, {})  # type: ignore[arg-type]
    return str(raised.value)


def spoilt(many: int) -> Callable[[Batch], Tensor]:
    """A term that is not finite on the last of the batch's images."""
    return lambda batch: torch.where(torch.arange(len(batch.index)) < len(batch.index) - many, 1.0, math.nan)


def infinite(model: Two, batch: Batch, progress: Progress) -> Tensor:
    return (model.a.sum() + model.b.sum()) * math.inf


@pytest.mark.parametrize(("many", "more"), [(1, ""), (3, ""), (4, ", ..."), (5, ", ...")])
def test_the_first_three_images_of_the_term_that_diverged_are_named(many: int, more: str, tmp_path: Path) -> None:
    rows = batches().at(0).index[16 - many :].tolist()[:3]
    names = ", ".join(f"{row:03}.png" for row in rows)
    line = said(Two(infinite, whole=lambda batch: torch.ones(16), broken=spoilt(many)), tmp_path)
    where = f"player 'model': term 'broken' is not finite on {many} of 16 images ({names}{more})"
    what_to_do = "nothing was saved: begin anew by --resume with a lower --rate or with --clip 1"
    assert line == f"training failed: it diverged at 0 images, before the step: {where}; {what_to_do}"


def broken_b(model: Two, batch: Batch, progress: Progress) -> Tensor:
    """Finite, but of infinite slope in b, which is 0."""
    return model.a.sum() + model.b.sqrt().sum()


def test_a_gradient_that_diverged_is_named_by_its_weight(tmp_path: Path) -> None:
    """A term that has no value for each image names none."""
    terms = {"each": lambda batch: torch.ones(16), "one": lambda batch: torch.tensor([math.inf])}
    line = said(Two(broken_b, **terms), tmp_path)
    assert "player 'model': its terms are finite, but the gradient of b is not; " in line


def test_gradients_that_are_too_long_together_are_not_laid_to_one(tmp_path: Path) -> None:
    def long(model: Two, batch: Batch, progress: Progress) -> Tensor:
        return (model.a + model.b).sum() * 1e38  # for each of four numbers, and 4e38 are infinite

    assert "but the gradient of all weights together is not; " in said(Two(long), tmp_path)


def test_a_run_that_diverges_after_its_first_image_is_told_of_its_checkpoint(tmp_path: Path) -> None:
    def later(model: Two, batch: Batch, progress: Progress) -> Tensor:
        return (model.a + model.b).sum() * (math.inf if progress.seen else 1.0)

    line = said(Two(later), tmp_path, size=1, save_every=1)
    assert re.search(r"at 1 image, .*; the checkpoint there leads nowhere: begin anew in another --out", line)


@pytest.mark.parametrize(("raised", "added"), [(0.0, 0.0), (1.0, 0.0), (0.0, math.nan)])
def test_no_player_moves_while_the_flag_is_raised_or_where_a_loss_raises_it(raised: float, added: float) -> None:
    model, data, flag = Two(lambda model, *_: (model.a + model.b).sum() + added), batches(), torch.tensor(raised)
    players, progress = players_of(model, model.optimisers()), [Progress(0, 64, torch.Generator())]
    play(model.play, [data.at(0)], progress, players, Plan(total=64, batch=16), data, Statistics(model), flag)
    fault = bool(raised or added)
    assert (flag.item(), model.a.tolist()) == (fault, [1.0, 1.0] if fault else [0.5, 0.5])


class Twin:
    """Begins the sum over two processes of which the other has the same numbers."""

    def __init__(self, flat: Tensor):
        flat *= 2

    def wait(self) -> None:
        pass


@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize("own", [1, 2])
def test_each_of_two_processes_with_the_same_parts_steps_as_one_that_plays_them_twice(
    own: int, clip: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(model: Two, batch: Batch, progress: Progress) -> Tensor:
        light = batch.image.mean((1, 2, 3))
        return (model.a.sum() * light).square().mean() + (model.b.sum() - light).square().mean()

    monkeypatch.setattr(buckets, "_begun", Twin)
    monkeypatch.setattr(parallel, "average", lambda tensors: None)
    data, plan = batches(), Plan(total=64, batch=16, parts=2 * own, clip=clip)
    parts = [data.at(0, part, 4) for part in range(own)]
    weights = []
    for world, played in ((1, parts * 2), (2, parts)):
        monkeypatch.setattr(parallel, "world", lambda world=world: world)
        model = Two(loss, light=lambda batch: batch.image.mean((1, 2, 3)))
        progress = [Progress(0, 64, torch.Generator()) for _ in played]
        report = play(
            model.play, played, progress, players_of(model, model.optimisers()), plan, data, Statistics(model)
        )
        assert torch.equal(report["light"], torch.cat([part.image.mean((1, 2, 3)) for part in played]))
        weights.append(torch.cat([model.a.detach(), model.b.detach()]))
    torch.testing.assert_close(*weights)
    assert (weights[0] - torch.tensor([1.0, 1, 0, 0])).abs().min() > 0.01  # all four moved


@pytest.mark.parametrize("processes", [1, 2])
def test_a_step_is_timed_by_the_second_of_two_parts_in_the_middle(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, heard = count(0, 3), []
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(parallel, "world", lambda: processes)

    def listens(model: Two, batch: Batch, progress: Progress) -> Tensor:
        noise = float(torch.rand((), generator=progress.generator))
        assert progress.notes == {}
        heard.append((batch.index.tolist(), progress.seen, progress.total, noise, model.a.tolist()))
        return (model.a + model.b).sum()

    model, order, plan = Two(listens), batches(), Plan(total=65, batch=16, parts=4)
    assert step_seconds(model, order, plan) == 3 * 4 / processes
    rows, noise = order.at(0, 0, 4).index.tolist(), float(torch.rand((), generator=torch.Generator().manual_seed(0)))
    assert heard == [(rows, 32, 65, noise, [1.0, 1.0]), (rows, 32, 65, noise, [0.5, 0.5])]
    assert model.a.tolist() == [1.0, 1.0]  # a copy stepped
