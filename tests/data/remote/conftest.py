"""A bucket with four shards of ten images, behind a server that fails when it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shards import labelled_tars
from stores import Faults, filled, lead_to, unreliable


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the bucket."""
    return labelled_tars(tmp_path_factory.mktemp("files"), shards=4, images=10)


@pytest.fixture(scope="session")
def served(files: Path) -> Iterator[tuple[str, Faults]]:
    with filled(files, "images") as address, unreliable(address) as found:
        yield found


@pytest.fixture
def faults(served: tuple[str, Faults], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Faults of the server that s3:// leads to, none so far; with a cache of the test's own."""
    address, faults = served
    lead_to(monkeypatch, address)
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    vars(faults).update(vars(Faults()))
    yield faults
    vars(faults).update(vars(Faults()))
