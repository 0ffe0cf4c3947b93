"""The time left that parallel jobs are given."""

import pytest

from latelier.bench.pace import Pace
from latelier.terminal.progress import Progress


def test_time_left_is_that_of_jobs_of_the_same_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, float]] = []
    monkeypatch.setattr(Progress, "at", lambda bar, done, left: heard.append((done, left)))
    pace = Pace(Progress("jobs", 6), ["long", *["short"] * 5], processes=2)
    for place, seconds in ((1, 4.0), (0, 20.0), (2, 6.0), (3, 5.0), (4, 5.0), (5, 5.0)):
        pace.done(place, seconds)
    assert heard == [
        (1, pytest.approx(float("nan"), nan_ok=True)),  # no long one has ended
        (2, pytest.approx((4 * 4 - 2) / 2)),  # four at 4 s, one of them half done, two at once
        (3, pytest.approx((3 * 5 - 2.5) / 2)),
        (4, pytest.approx((2 * 5 - 2.5) / 2)),
        (5, pytest.approx(2.5)),  # the last runs alone, half done
        (6, 0.0),
    ]


def test_plain_lines_give_the_time_left_that_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("latelier.terminal.progress.EVERY", 0.0)
    bar = Progress("training models", 4, unit="models")
    bar.at(1, left=float("nan"))
    bar.at(2, left=80.0)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("training models: 1 of 4, ")
    assert "left" not in first
    assert second.startswith("training models: 2 of 4, 80 s left, ")
