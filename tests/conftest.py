"""Fixtures of more than one file."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Only a power cut could tell a written file from a synchronised one: a kill leaves both. Thousands of small
    trainings would wait here. Processes that tests start, and kill, still wait."""

    def opened(handle: int) -> None:
        os.fstat(handle)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", opened)
        yield


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder ``made`` by the test's own file, as the working folder."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    return tmp_path / "here"


@pytest.fixture
def no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no format were read with an extra, whatever is installed."""
    monkeypatch.setattr("latelier.data.packing.formats.installed", lambda extra: False)
