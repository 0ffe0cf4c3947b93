"""Distances of reconstructions over training."""

import matplotlib.figure
import numpy as np
import pytest
from sheets.fakes import TERMS, Stacked, view

from latelier.errors import Refusal
from latelier.sheets import distances


def panels(monkeypatch: pytest.MonkeyPatch, log: list[dict]) -> list[dict[str, list[float]]]:
    """What is drawn from the log: of each panel the curves by their names in the legend."""
    figures: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(distances, "rendered", lambda figure: figures.append(figure) or np.zeros((1, 1, 3), np.uint8))
    distances.draw(view(Stacked((1, 8, 8)), log=log))
    return [
        {str(line.get_label()): list(np.asarray(line.get_ydata())) for line in panel.lines} for panel in figures[0].axes
    ]


def test_a_curve_a_level_in_two_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    log = [{"seen": 10, "terms": TERMS}, {"seen": 20, "terms": {"critic": 1.0}}, {"seen": 30, "terms": TERMS}]
    pixel, embedded = panels(monkeypatch, log)
    assert pixel == {"from z1": [4.0, 4.0], "from z2": [6.0, 6.0], "of another image": [9.0, 9.0]}
    assert embedded == {"from z1": [1.0, 1.0], "from z2": [2.0, 2.0], "of another image": [3.0, 3.0]}


def test_one_level_and_a_validation_are_drawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log = [{"seen": i, "terms": {"cycle z": 3.0, "embedded z": 1.0}} for i in (1, 2)]
    pixel, embedded = panels(monkeypatch, [*log, {"seen": 2, "validation": {"cycle z": 5.0, "cyclex": 0.0}}])
    assert pixel == {"from z": [3.0, 3.0], "validation": [5.0]}
    assert embedded == {"from z": [1.0, 1.0]}


def test_a_log_without_such_terms_is_refused() -> None:
    for log in ([], [{"seen": 10, "terms": {"critic": 1.0, "bicycle": 2.0, "other images": 3.0}}]):
        with pytest.raises(Refusal, match="distances needs a log with terms"):
            distances.draw(view(Stacked((1, 8, 8)), log=log))
