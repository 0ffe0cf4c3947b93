"""Steps whose finiteness is read every few steps, as on a GPU: the same training, and the same words of a fault."""

import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from launched import two_processes
from reads import Reads
from safetensors.torch import load_file
from torch import Tensor, nn

from latelier.core import Batch, Losses, Model, Move, Optimiser, Progress
from latelier.core.looks import Looks
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine import checkpoint, parallel
from latelier.engine.loop import train
from latelier.engine.move import Diverged
from latelier.engine.plan import Plan

Spoil = Callable[["Game", Batch, Progress], Tensor]
LATE = 5  # steps between two readings


class Game(Model):
    """Two players in turn, with batch norm; ``spoil`` is added to the second's loss."""

    def __init__(self, kind: str = "adam", spoil: Spoil | None = None):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm, self.second = nn.Linear(16, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)
        self.image, self.latents = (1, 4, 4), {}
        self.players: dict[str, list[nn.Module | nn.Parameter]] = {
            "one": [self.first, self.norm],
            "two": [self.second],
        }
        self.kind, self.spoil, self.played = kind, spoil, list[int]()

    def optimisers(self) -> dict[str, Optimiser]:
        return {name: Optimiser(self.kind, 0.01, (0.5, 0.9)) for name in self.players}  # type: ignore[arg-type]

    def moves(self) -> tuple[Move, ...]:
        return self.shrink, self.grow

    def shrink(self, batch: Batch, progress: Progress) -> Losses:
        self.played.append(progress.seen)
        y = self.output(batch, progress)
        return Losses({"one": y.square().mean()}, {"shrunk": y.square()})

    def grow(self, batch: Batch, progress: Progress) -> Losses:
        y = -self.output(batch, progress).abs()
        if self.spoil is not None:
            y = y + self.spoil(self, batch, progress)
        return Losses({"two": y.mean()}, {"grown": y})

    def output(self, batch: Batch, progress: Progress) -> Tensor:
        x = batch.image.flatten(1) + torch.randn(len(batch.index), 16, generator=progress.generator)
        out: Tensor = self.second(self.norm(self.first(x)))[:, 0]
        return out


def batches(size: int = 16) -> Batches:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 4, 4, 1), np.uint8)
    names = [f"{i:03}.png" for i in range(64)]
    return Batches(
        Images(pixels, np.full(64, -1), np.zeros((64, 0), np.int8), [[]] * 64, names),
        size,
        seed=3,
        device=torch.device("cpu"),
    )


def plan(**options: Any) -> Plan:
    return Plan(**{"total": 16 * 40, "batch": 16, "seed": 3, "log_every": 16 * 8, "save_every": 16 * 20, **options})


def trained(model: Model, folder: Path, **options: Any) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """All that the last checkpoint holds, and the log without its speed."""
    folder.mkdir()
    log: list[dict[str, Any]] = []
    train(model, batches(), plan(**options), folder, {}, show=log.append)
    last = checkpoint.checkpoints(folder)[-1]
    for record in log:
        record.pop("images_per_second", None)
    return {**load_file(last.weights), **load_file(last.state)}, log


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("kind", "extra"),
    [("adam", {}), ("adam", {"parts": 2}), ("sgd", {"clip": 0.1, "ema": 100}), ("rmsprop", {}), ("adagrad", {})],
)
def test_a_training_without_a_fault_is_the_same_bit_for_bit(kind: str, extra: dict[str, Any], tmp_path: Path) -> None:
    at_once = trained(Game(kind), tmp_path / "once", check_every=1, **extra)
    late = trained(Game(kind), tmp_path / "late", check_every=LATE, **extra)
    assert same(at_once[0], late[0])
    assert at_once[1] == late[1]


def at(position: int) -> Spoil:
    """Not finite on image 5, at the step of this position."""

    def spoil(model: Game, batch: Batch, progress: Progress) -> Tensor:
        bad = (batch.index == batch.index[2]) & (progress.seen == 16 * position)
        return torch.where(bad, math.nan, 0.0)

    return spoil


def said(model: Model, folder: Path, **options: Any) -> str:
    folder.mkdir()
    with pytest.raises(Diverged) as raised:
        train(model, batches(), plan(**options), folder, {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("kind", "position", "extra"),
    [
        ("adam", 0, {}),
        ("adam", 8, {}),  # the first after a reading
        ("adam", 22, {"clip": 0.1, "ema": 100}),
        ("adam", 39, {"parts": 2}),
        ("rmsprop", 23, {"clip": 0.1, "ema": 100}),
    ],
)
def test_a_fault_is_named_as_at_once(position: int, kind: str, extra: dict[str, Any], tmp_path: Path) -> None:
    """And leaves the weights where it found them, after the first player's step of the same batch."""
    at_once, late = Game(kind, at(position)), Game(kind, at(position))
    line = said(at_once, tmp_path / "once", check_every=1, **extra)
    assert f"it diverged at {16 * position:,} images, before the step: player 'two': term 'grown'" in line
    assert said(late, tmp_path / "late", check_every=LATE, **extra) == line
    assert same(dict(at_once.state_dict()), dict(late.state_dict()))
    saved = [checkpoint.last_seen(tmp_path / name) for name in ("once", "late")]
    assert saved == [16 * 20 * (position > 20)] * 2
    if saved[0]:
        files = [checkpoint.Checkpoint(tmp_path / name, saved[0]) for name in ("once", "late")]
        assert same(load_file(files[0].weights), load_file(files[1].weights))
        assert same(load_file(files[0].state), load_file(files[1].state))


def test_no_player_moves_after_a_fault(tmp_path: Path) -> None:
    """What the net computes stays finite meanwhile: a GPU's kernels may refuse what is not, and end the process."""
    finite: list[bool] = []

    def spoil(model: Game, batch: Batch, progress: Progress) -> Tensor:
        finite.append(all(bool(weight.isfinite().all()) for weight in model.parameters()))
        return at(11)(model, batch, progress)

    said(Game("adam", spoil), tmp_path / "run", check_every=LATE)
    assert len(finite) > 12
    assert all(finite)


def test_an_error_that_comes_of_a_fault_gives_way_to_it(tmp_path: Path) -> None:
    class Strict(Game):
        def shrink(self, batch: Batch, progress: Progress) -> Losses:
            if progress.seen > 16 * 11 and not self.norm.running_mean.isfinite().all():  # type: ignore[union-attr]
                raise RuntimeError("cannot go on from here")
            return super().shrink(batch, progress)

        def output(self, batch: Batch, progress: Progress) -> Tensor:
            return super().output(batch, progress) if self.spoil is None else self.spoilt(batch, progress)

        def spoilt(self, batch: Batch, progress: Progress) -> Tensor:
            noisy = batch._replace(image=batch.image * (math.nan if progress.seen == 16 * 11 else 1.0))
            return super().output(noisy, progress)

    lines = [
        said(Strict("adam", lambda *_: torch.zeros(())), tmp_path / str(every), check_every=every)
        for every in (1, LATE)
    ]
    assert lines[0] == lines[1]
    assert "it diverged at 176 images" in lines[0]


def test_an_error_of_its_own_is_raised(tmp_path: Path) -> None:
    def spoil(model: Game, batch: Batch, progress: Progress) -> Tensor:
        raise KeyError("mine")

    (tmp_path / "run").mkdir()
    with pytest.raises(KeyError, match="mine"):
        train(Game("adam", spoil), batches(), plan(check_every=LATE), tmp_path / "run", {})


def test_a_fault_that_does_not_come_again_costs_a_remark(tmp_path: Path) -> None:
    """As a GPU's that adds up in another order, or has failed once."""
    times: list[int] = []

    def once(model: Game, batch: Batch, progress: Progress) -> Tensor:
        if progress.seen == 16 * 11:
            times.append(progress.seen)
        return torch.full((), math.nan) if progress.seen == 16 * 11 and len(times) == 1 else torch.zeros(())

    model = Game("adam", once)
    ended, log = trained(model, tmp_path / "faulty", check_every=LATE, ema=100)
    clean = trained(Game(), tmp_path / "clean", check_every=1, ema=100)[0]
    assert same(ended, clean)
    remarks = [record for record in log if "remark" in record]
    assert [record["seen"] for record in remarks] == [16 * 8]  # where the log was read
    assert remarks[0]["remark"] == "a step after this one was not finite; the steps since are played again"
    assert max(model.played.count(seen) for seen in model.played) == 2


def test_a_signal_is_heeded_after_the_step_that_it_meets(tmp_path: Path) -> None:
    """Not only where the device is read anyway."""

    def stop(model: Game, batch: Batch, progress: Progress) -> Tensor:
        if progress.seen == 16 * 3:
            signal.raise_signal(signal.SIGTERM)
        return torch.zeros(())

    whole = plan(log_every=10**6, save_every=10**6, check_every=10**6)
    outcome = train(Game("adam", stop), batches(), whole, tmp_path, {})
    assert (outcome.why, outcome.seen) == ("stopped", 16 * 4)


class Looking(Game, Looks):
    looked: tuple[float, ...] = ()

    def times(self) -> tuple[float, ...]:
        return (0.0, 0.3)

    def look(self, batches: Batches, progress: Progress) -> dict[str, float]:
        self.looked += (float(self.first.weight.sum()),)
        return {"sum": self.looked[-1]}


def test_a_look_is_taken_once_at_finite_weights(tmp_path: Path) -> None:
    plain, late = Looking("adam", at(13)), Looking("adam", at(13))
    assert said(plain, tmp_path / "once", check_every=1) == said(late, tmp_path / "late", check_every=LATE)
    assert plain.looked == late.looked
    assert len(late.looked) == 2


def test_the_device_is_read_as_often_as_the_plan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(Tensor, "tolist", None)  # of a list of numbers, which a dispatcher does not see
    monkeypatch.setattr(parallel, "greatest", lambda numbers, _: asked.append(1) or [float(one) for one in numbers])
    whole = plan(log_every=10**6, save_every=10**6, check_every=20, clip=1.0)
    with pytest.raises(TypeError), Reads() as reads:  # the log, at the very end, asks for a list
        train(Game(), batches(), whole, tmp_path, {})
    assert len(asked) == 3  # two steps are timed before the others, then 20, and the rest
    assert len(reads.found) == len(asked)


PROCESSES = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_watch import Game, at, batches, plan, train, Diverged
from latelier.engine import parallel

with parallel.processes():
    for every in (1, 5):
        folder = Path(sys.argv[3], str(every))
        if parallel.rank() == 0:
            folder.mkdir()
        parallel.wait()
        try:
            train(Game("adam", at(22)), batches(), plan(parts=2, check_every=every), folder, {})
        except Diverged as error:
            Path(sys.argv[3], f"{every}-{parallel.rank()}.txt").write_text(str(error))
"""


@pytest.mark.slow
def test_two_processes_name_a_fault_as_at_once(tmp_path: Path) -> None:
    """Of an image that one of them sees."""
    here, script = Path(__file__).parent, tmp_path / "script.py"
    script.write_text(PROCESSES)
    done = two_processes(str(script), str(here), str(here.parent), str(tmp_path))
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        once, late = ((tmp_path / f"{every}-{rank}.txt").read_text() for every in (1, LATE))
        assert late == once
        assert "it diverged at 352 images, before the step: player 'two'" in late
    states = [load_file(checkpoint.Checkpoint(tmp_path / str(every), 320).state) for every in (1, LATE)]
    assert same(*states)
