"""Fixtures of more than one file."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def pytest_collection_finish() -> None:
    """What is there before the first test, ten thousand tests and torch among it, stays till the end: no collection of
    garbage looks at it again. Each did for half a second."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Libraries in C++ tell of what they hold when Python ends."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Only a power cut could tell a written file from a synchronised one: a kill leaves both. Thousands of small
    trainings would wait here. Processes that tests start, and kill, still wait."""

    def opened(handle: int) -> None:
        os.fstat(handle)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", opened)
        yield


@contextmanager
def cached_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LATELIER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Not that of whoever runs the tests, where they left thousands of packs."""
    with cached_apart(tmp_path_factory):
        yield


@pytest.fixture(scope="module", autouse=True)
def own_cache(cache_of_tests: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache a file: each new pack looks through those that are there, which takes longer than to make a small one."""
    with cached_apart(tmp_path_factory):
        yield


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder ``made`` by the test's own file, as the working folder."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    return tmp_path / "here"


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that computes in bfloat16, or is taken for one and emulates it."""
    from latelier import device

    flags = device._flags() | {"avx512_bf16"}  # AMX, if there, stays known: its faults are guarded against
    monkeypatch.setattr(device, "_flags", lambda: flags)


@pytest.fixture
def no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no format were read with an extra, whatever is installed."""
    monkeypatch.setattr("latelier.data.packing.formats.installed", lambda extra: False)
