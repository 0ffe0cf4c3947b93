"""kill -9 at any moment, and a disk that fills up: what is lost is time, never a run.

The command is the user's own, as a process of its own, started again with --resume until it ends. A kill comes after a
seeded number of changes in the run folder (and up to 20 ms later), so that many fall into the middle of a save.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

import latelier
from latelier import checkpoint
from latelier.cli import main

SETTINGS = ["net=mlp", "net.widths=32", "latent=4", "head=softmax"]
OPTIONS = {"data": "digits", "batch": 32, "labels": 5, "save_every": 0.1, "ema": 0.5, "seed": 3}


def command(out: Path, epochs: float) -> list[str]:
    flags = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    start = [sys.executable, "-m", "latelier", "train", "vae", "--out", str(out), "--resume", "--epochs", str(epochs)]
    return [*start, *flags, "--set", *SETTINGS]


@contextmanager
def started(words: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process with as many threads as this one has: other numbers of threads round otherwise."""
    threads = str(torch.get_num_threads())
    env = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def killed(words: list[str], out: Path, changes: int, delay: float) -> bool:
    """Whether the command was killed: after so many changes of the folder and a delay in seconds, or not at all."""
    stamp = out.stat().st_mtime_ns
    with started(words) as process:
        while process.poll() is None and changes > 0:
            before, stamp = stamp, out.stat().st_mtime_ns
            changes -= before != stamp
            time.sleep(0.0005)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert process.returncode in (0, -9), process.stderr.read() if process.stderr else ""
    return process.returncode == -9


def newest(out: Path) -> int:
    found = checkpoint.latest(out)
    return found.seen if found else 0


@pytest.mark.parametrize(
    ("kills", "epochs"), [(2, 2), pytest.param(20, 40, marks=[pytest.mark.slow])], ids=["twice", "twenty-times"]
)
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path, kills: int, epochs: float) -> None:
    began = time.perf_counter()
    whole = latelier.train("vae", out=tmp_path / "whole", epochs=epochs, settings=SETTINGS, quiet=True, **OPTIONS)
    alone = time.perf_counter() - began
    out, rng, reached = tmp_path / "killed", np.random.default_rng(7), [0]
    out.mkdir()
    for _ in range(kills):
        words = command(out, epochs)
        assert killed(words, out, int(rng.integers(1, 30)), rng.uniform(0, 0.02)), "it ended before it was killed"
        reached.append(newest(out))
    assert reached == sorted(reached)  # nothing that was saved is ever lost
    assert reached[-1] > 0
    with started(command(out, epochs)) as process:
        said = process.communicate()[1]
    assert process.returncode == 0, said
    for kind in ("weights", "state"):
        name = f"{kind}-{newest(whole):08d}.safetensors"
        assert (out / name).read_bytes() == (whole / name).read_bytes()  # metadata too: seen, best, settings
    left = {path.name for path in out.iterdir()} - {".lock"}
    assert left == {path.name for path in whole.iterdir()} - {".lock"}  # no file of a killed save stays
    print(f"{kills} kills, stood at {reached[1:]}; {time.perf_counter() - began:.0f} s, uninterrupted {alone:.0f} s")
