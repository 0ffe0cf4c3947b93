"""Fixtures of more than one file."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder ``made`` by the test's own file, as the working folder."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    return tmp_path / "here"


@pytest.fixture
def no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no format were read with an extra, whatever is installed."""
    monkeypatch.setattr("latelier.data.packing.formats.installed", lambda extra: False)
