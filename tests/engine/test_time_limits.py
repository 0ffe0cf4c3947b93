"""Processes that are late: the long work of one is waited for, a step that one never comes to is not."""

import os
import subprocess
from pathlib import Path

import pytest
from launched import two_processes

from latelier.engine import parallel
from latelier.errors import Refusal

SLOW = """
import sys, time, torch
from latelier.cli import main
from latelier.engine import meeting, parallel
from latelier.training import held_out

meeting.SAID_AFTER = 1.0
opened = held_out.open_images

def slow(*arguments, **options):
    if parallel.rank() == 1:
        time.sleep(6)
    return opened(*arguments, **options)

held_out.open_images = slow
main(sys.argv[1:])
"""
NEVER = """
import sys, time, torch
import latelier.cli as cli
from latelier.engine import parallel
import latelier.verbs.listing

def late():
    with parallel.processes():
        long = "x" * 20_000_000  # more than the store takes at once
        assert parallel.gathered([parallel.rank(), long]) == [[0, long], [1, long]]
        if parallel.rank() == 1:
            time.sleep(8)
        parallel.anywhere(True, torch.device("cpu"))

sys.modules["latelier.verbs.listing"].models = late
cli.main(["models"])
"""
TRAIN = "train vae --data digits --batch 64 --steps 4 --set net=mlp net.widths=8 latent=2 --out"


def launched(script: str, folder: Path, *arguments: str, limit: str) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    before = os.environ.get(parallel.TIMEOUT)
    os.environ[parallel.TIMEOUT] = limit
    try:
        return two_processes(str(folder / "script.py"), *arguments)
    finally:
        os.environ.pop(parallel.TIMEOUT) if before is None else os.environ.update({parallel.TIMEOUT: before})


@pytest.mark.slow
def test_a_process_that_reads_images_for_longer_than_the_limit_is_waited_for(tmp_path: Path) -> None:
    done = launched(SLOW, tmp_path, *TRAIN.split(), str(tmp_path / "run"), limit="2")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "waiting for" in line]
    assert 1 <= len(said) <= 3
    assert said[0].startswith("waiting for 1 of 2 processes (1), which still read the images: 1 s so far")


@pytest.mark.slow
def test_a_process_that_hangs_in_a_step_ends_the_others_in_one_line(tmp_path: Path) -> None:
    done = launched(NEVER, tmp_path, limit="2")
    assert done.returncode != 0
    assert "latelier: process 0 of 2 has lost the others, or waited 2 s for them" in done.stderr
    assert "a fault of latelier's own" not in done.stderr


@pytest.mark.parametrize("given", ["0", "-3", "ten", "1e9", "nan"])
def test_a_limit_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", parallel.TIMEOUT: given}.items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(Refusal, match=f"LATELIER_TIMEOUT takes seconds, from 1 to 1,000,000, but is {given}"),
        parallel.processes(),
    ):
        pass
