"""Several processes do what one does. They are started by the command of docs/parallel.md."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from launched import two_processes
from safetensors.torch import load_file
from torch import Tensor

import latelier
from latelier.engine import checkpoint
from latelier.runs.learning_curve import read_log

SETTINGS = ["net=mlp", "net.widths=32", "latent=4"]
ARGUMENTS: dict[str, Any] = {"data": "digits", "batch": 64, "seed": 3, "save_every": 0.15, "keep": 99, "ema": 0.1}
ARGUMENTS |= {"decay": "none"}  # else half a run has other rates than the first half of a whole one
HALF, WHOLE = 0.3, 0.6  # epochs
# Measured: 0. Two processes add two gradients up as one process does, and both orders of two numbers round alike.
TOLERANCE = 1e-6


def launched(model: str, out: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """``latelier train`` in two processes."""
    named = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return two_processes("-m", "latelier", "train", model, "--out", str(out), *arguments, *named, "--quiet")


def trained(out: Path, **options: Any) -> Path:
    """One process, in this one."""
    return latelier.train("vae", out=str(out), settings=SETTINGS, quiet=True, **{**ARGUMENTS, "parts": 2, **options})


def weights(run: Path, seen: int) -> dict[str, Tensor]:
    """Averaged weights, raw ones and the optimiser's state after this many images."""
    found = checkpoint.Checkpoint(run, seen)
    return {**load_file(found.weights), **load_file(found.state)}


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("whole") / "run", epochs=WHOLE)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes, which did not say into how many parts: one each."""
    out = tmp_path_factory.mktemp("half") / "run"
    done = launched("vae", out, "--set", *SETTINGS, epochs=HALF, **ARGUMENTS)
    assert done.returncode == 0, done.stderr
    return out


def newest(run: Path) -> int:
    return checkpoint.checkpoints(run)[-1].seen


def last_terms(run: Path, seen: int) -> dict[str, float]:
    return next(r["terms"] for r in read_log(run) if r["seen"] == seen and "terms" in r)


@pytest.mark.slow
def test_two_processes_come_to_the_weights_of_one(whole: Path, half: Path) -> None:
    seen = newest(half)
    assert 0 < seen < newest(whole)
    assert difference(weights(half, seen), weights(whole, seen)) <= TOLERANCE
    # Each process has seen one part of every batch; the log tells of all.
    assert last_terms(half, seen) == pytest.approx(last_terms(whole, seen), rel=1e-5)


@pytest.mark.slow
def test_two_processes_come_to_the_running_statistics_of_one(tmp_path: Path) -> None:
    options = {"data": "digits", "batch": 32, "seed": 3, "images": 96, "epochs": 1, "precision": "fp32"}
    settings = ["net=resnet9", "latent=4", "likelihood=bernoulli", "optimiser.rate=1e-4"]
    done = launched("vae", tmp_path / "two", "--set", *settings, **options)
    assert done.returncode == 0, done.stderr
    one = latelier.train("vae", out=str(tmp_path / "one"), settings=settings, parts=2, quiet=True, **options)
    found, expected = weights(tmp_path / "two", newest(one)), weights(one, newest(one))
    assert any("running_var" in name for name in expected)
    assert difference(found, expected) <= 1e-5


@pytest.mark.slow
def test_one_process_goes_on_where_two_stopped(whole: Path, half: Path, tmp_path: Path) -> None:
    run = shutil.copytree(half, tmp_path / "run")
    latelier.train(out=str(run), resume=True, epochs=WHOLE, quiet=True)
    assert newest(run) == newest(whole)
    assert difference(weights(run, newest(run)), weights(whole, newest(whole))) < TOLERANCE


@pytest.mark.slow
def test_two_processes_go_on_where_two_stopped(whole: Path, half: Path, tmp_path: Path) -> None:
    run = shutil.copytree(half, tmp_path / "run")
    done = launched("vae", run, "--resume", epochs=WHOLE)
    assert done.returncode == 0, done.stderr
    assert newest(run) == newest(whole)
    assert difference(weights(run, newest(run)), weights(whole, newest(whole))) < TOLERANCE


def test_without_noise_parts_make_no_difference(tmp_path: Path) -> None:
    runs = []
    for parts in (1, 4):
        run = tmp_path / f"{parts}"
        settings = ["net=mlp", "net.widths=16", "latent=4", "optimiser.kind=sgd", "optimiser.rate=0.01"]
        options = {"data": "digits", "batch": 64, "epochs": 0.5, "quiet": True}
        runs.append(latelier.train("autoencoder", out=str(run), settings=settings, parts=parts, **options))
    # Measured: 6e-7.
    assert difference(*(weights(run, newest(run)) for run in runs)) < 1e-5


DRIFTS = """
from torch import no_grad
from latelier.engine import parallel
from latelier.models.autoencoder import Config, Model as Autoencoder

class Model(Autoencoder):
    def learn(self, batch, progress):
        with no_grad():
            self.decoder[0].bias += 1e-6 * parallel.rank()
        return super().learn(batch, progress)
"""


@pytest.mark.slow
def test_processes_that_drift_apart_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "drifts.py").write_text(DRIFTS)
    settings = ["net=mlp", "net.widths=16", "latent=4"]
    done = launched(
        str(tmp_path / "drifts.py"), tmp_path / "run", "--set", *settings, data="digits", batch=128, epochs=0.3
    )
    assert done.returncode != 0
    assert "RuntimeError: the processes no longer hold the same weights at 128 images" in done.stderr
    assert checkpoint.checkpoints(tmp_path / "run") == []


LEAVES = """
import os
import torch
from latelier.engine import parallel

with parallel.processes():
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    parallel.wait()
names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
assert not [name for name in names if "gloo" in name], names
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted as Linux names them")
def test_no_thread_of_the_group_outlives_it(tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text(LEAVES)
    done = two_processes(str(tmp_path / "leaves.py"))
    assert done.returncode == 0, done.stderr
