import time

import pytest
import torch

from latelier.engine import meter
from latelier.engine.meter import HELD, Meter


def test_means_are_over_all_images_since_the_last_reading() -> None:
    counts, means = Meter(0), []
    values = torch.arange(float(5 * (HELD + 3))).view(-1, 5)
    for step in values:
        counts.add({"term": step, "one": torch.ones(5)})
        assert all(len(held) < HELD for held in counts._terms.values())  # memory stays flat
    means.append(counts.read(len(values) * 5)["terms"])
    counts.add({"term": torch.tensor([7.0, 9.0])})
    means.append(counts.read(len(values) * 5 + 2)["terms"])
    assert means == [{"term": pytest.approx(float(values.mean())), "one": 1.0}, {"term": 8.0}]


def test_a_reading_right_after_values_were_added_up_loses_none() -> None:
    counts = Meter(0)
    for step in range(HELD):
        counts.add({"term": torch.full((2,), float(step))})
    assert counts.read(2 * HELD)["terms"] == {"term": (HELD - 1) / 2}


def test_the_speed_leaves_pauses_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(meter, "time", type("clock", (), {"perf_counter": staticmethod(lambda: now)}))
    assert time is not meter.time
    counts = Meter(0)
    now = 102.0
    with counts.pause():
        now = 150.0
    now = 152.0
    assert counts.read(800)["images_per_second"] == 200.0  # 800 images in 4 seconds, 2 of them before the pause
    now = 153.0
    assert counts.read(900)["images_per_second"] == 100.0
