"""Machines that are killed and lose their disk: the run goes on from its copy, to the same weights."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import started
from launched import processes
from stores import bucket
from training.test_mirror import ASKED, WORDS, contents

import latelier
from latelier.engine import checkpoint
from latelier.engine.copies import newest
from latelier.storage.mirror import Mirror


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with bucket("runs") as made:
        yield made


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A run without a copy."""
    return latelier.train("vae", out=tmp_path / "whole", epochs=2, **ASKED)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_machines_that_are_killed_and_lose_their_disk_end_with_the_same_bits(whole: Path, here: Path) -> None:
    """Each kill -9 comes after a seeded number of changes at the mirror, so that many fall into a copy."""
    rng, seen = np.random.default_rng(5), [0]
    asked = [*WORDS[:4], "--batch", "64", "--epochs", "2", "--save-every", "0.25", "--validation", "0.1", "--quiet"]
    asked += ["--decay", "none", "--ema", "0.1", "--out", "run", "--mirror", "copy", "--resume"]
    (here / "copy").mkdir()
    for _ in range(8):
        process, changes, stamp = started([*asked, "--set", *ASKED["settings"]]), int(rng.integers(5, 20)), 0
        while process.exitcode is None and changes > 0:
            before, stamp = stamp, (here / "copy").stat().st_mtime_ns
            changes -= before != stamp
            time.sleep(0.0002)
        process.kill()
        process.join()
        shutil.rmtree("run", ignore_errors=True)
        seen.append(newest(Mirror("copy").read()))
    assert seen == sorted(seen)  # nothing that was copied is ever lost
    assert 0 < seen[3] < checkpoint.last_seen(whole)
    last = started([*asked, "--set", *ASKED["settings"]])
    last.join()
    assert last.exitcode == 0
    assert contents(Path("run")) == contents(whole)


MACHINE = """
import os, sys
from pathlib import Path
from latelier.cli import main
place = Path(sys.argv[1], os.environ["RANK"])
place.mkdir(exist_ok=True)
os.chdir(place)
main(sys.argv[2:])
"""


@pytest.mark.slow
def test_two_machines_with_folders_of_their_own_go_on_from_the_copy(store: Any, tmp_path: Path) -> None:
    """Each process runs where it alone has a folder; the one that wrote the run loses it."""
    script = tmp_path / "machine.py"
    script.write_text(MACHINE)
    words = [*WORDS[:4], "--out", "run", "--batch", "64", "--save-every", "0.25", "--validation", "0.1", "--quiet"]
    words += ["--decay", "none", "--ema", "0.1"]
    words += ["--mirror", "s3://runs/two", "--resume", "--parts", "2", "--set", *ASKED["settings"]]
    for epochs in ("1", "2"):
        done = processes(2, str(script), str(tmp_path), *words, "--epochs", epochs)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(tmp_path / "0" / "run") if epochs == "1" else None
    assert done.stderr.count("is brought back from s3://runs/two") == 2
    one = latelier.train("vae", out=tmp_path / "one", epochs=2, parts=2, **ASKED)
    assert contents(tmp_path / "0" / "run") == contents(one)
