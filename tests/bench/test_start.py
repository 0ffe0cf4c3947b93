"""The benchmark of a verb's start has every verb of the command line, or says that it leaves it out."""

import sys
from pathlib import Path

import pytest

from latelier.cli import VERBS


def test_every_verb_is_measured_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    monkeypatch.delitem(sys.modules, "start", raising=False)
    import start

    measured = {command.split()[0] for command in start.VERBS.values()} - {"--help"}
    assert measured | {*start.LEFT_OUT} == {*VERBS}
    assert not measured & {*start.LEFT_OUT}
