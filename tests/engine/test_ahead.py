"""Batches that a thread makes during the step before are those that are made without one."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latelier.core import Batch, Losses, Model, Move, Progress
from latelier.data.augment import Augment
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine.ahead import ahead
from latelier.engine.loop import train
from latelier.engine.plan import Plan


class Mean(Model):
    """One weight; it notes which images it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))
        self.image, self.latents, self.players = (1, 4, 4), {}, {"model": [self.w]}
        self.shown: list[Tensor] = []

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        self.shown += [batch.index, batch.image]
        error = (batch.image.flatten(1).mean(1) - self.w).square()
        return Losses({"model": error.mean()}, {"error": error})


class Noted(Batches):
    """Notes the threads that make batches, and fails, or is slow, at one position."""

    fails_at = slow_at = -1

    def at(self, position: int, part: int = 0, parts: int = 1) -> Batch:
        self.threads = [*getattr(self, "threads", []), threading.current_thread().name]
        self.positions = [*getattr(self, "positions", []), position]
        if position == self.fails_at:
            raise OSError("the disk is gone")
        if position == self.slow_at:
            time.sleep(0.3)
        return super().at(position, part, parts)


def batches(**options: Any) -> Noted:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), np.uint8)
    images = Images(pixels, np.full(40, -1), np.zeros((40, 0), np.int8), [[]] * 40, [f"{i}" for i in range(40)])
    return Noted(images, 16, seed=3, device=torch.device("cpu"), **options)


def plan(**options: Any) -> Plan:
    return Plan(**{"total": 160, "batch": 16, "seed": 3, "log_every": 64, **options})


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "ahead" in thread.name]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_training_is_shown_the_same_in_the_same_order(parts: int, tmp_path: Path) -> None:
    models, sources = [Mean(), Mean()], [batches(augment=Augment(shift=1, flip=True)) for _ in range(2)]
    for model, source, on in zip(models, sources, (False, True), strict=True):
        (tmp_path / str(on)).mkdir()
        train(model, source, plan(ahead=on, parts=parts), tmp_path / str(on), {})
    assert len(models[0].shown) == len(models[1].shown) == 2 * 10 * parts
    assert all(torch.equal(one, other) for one, other in zip(models[0].shown, models[1].shown, strict=True))
    assert torch.equal(models[0].w, models[1].w)
    assert sources[0].positions == sources[1].positions  # none is made that is not played
    assert set(sources[0].threads) == {"MainThread"}
    assert all(name.startswith("latelier-ahead") for name in sources[1].threads)
    assert threads() == []


def test_a_position_out_of_turn_is_made_anew() -> None:
    """As when training goes back to a step that was not finite."""
    plain, source = batches(), batches()
    with ahead(source, [0], plan(ahead=True)) as made:
        found = [made.at(position)[0].index for position in (0, 16, 64, 16)]
    for index, position in zip(found, (0, 16, 64, 16), strict=True):
        assert torch.equal(index, plain.at(position).index)


def test_what_making_a_batch_raises_reaches_the_training(tmp_path: Path) -> None:
    source = batches()
    source.fails_at = 64
    model = Mean()
    with pytest.raises(OSError, match="the disk is gone"):
        train(model, source, plan(ahead=True), tmp_path, {})
    assert len(model.shown) == 2 * 4  # the four steps before it were taken
    assert threads() == []


def test_settled_means_that_nothing_is_being_made() -> None:
    source = batches()
    source.slow_at = 16
    with ahead(source, [0], plan(ahead=True)) as made:
        made.at(0)
        made.settle()
        assert source.positions == [0, 16]
        begun = time.perf_counter()
        made.at(16)
        assert time.perf_counter() - begun < 0.25  # it was there


def test_a_signal_ends_the_thread_too(tmp_path: Path) -> None:
    def stop(record: dict[str, Any]) -> None:
        if record["seen"] == 64:
            signal.raise_signal(signal.SIGINT)

    outcome = train(Mean(), batches(), plan(ahead=True), tmp_path, {}, show=stop)
    assert outcome.why == "stopped"
    assert threads() == []


def test_ctrl_c_twice_ends_the_thread_too(tmp_path: Path) -> None:
    def stop(record: dict[str, Any]) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(Mean(), batches(), plan(ahead=True), tmp_path, {}, show=stop)
    assert threads() == []


def test_a_cpu_makes_batches_by_itself() -> None:
    """Its pixels lie where they are used."""
    source = batches()
    assert source.resident
    with ahead(source, [0], plan()) as made:
        made.at(0)
    assert source.threads == ["MainThread"]
