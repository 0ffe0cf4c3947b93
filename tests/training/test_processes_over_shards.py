"""Several processes over shards: they train the weights of one; and where one of them is killed, again and again, the
launcher starts them anew, once each time, and the run ends with the weights of one that was not disturbed."""

import time
from pathlib import Path

import numpy as np
import pytest
from launched import killed, processes
from safetensors.torch import load_file
from shards import labelled_tars
from training.test_streaming import OPTIONS, SETTINGS, contents

import latelier
from latelier.engine import checkpoint

CHILDREN = Path("/proc/self/task")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return labelled_tars(tmp_path / "files", shards=7, images=30)


def words(out: Path, files: Path) -> list[str]:
    """What a user types behind the launcher."""
    asked = ["--batch", "12", "--steps", "600", "--save-every", "1", "--seed", "3", "--parts", "4", "--pack", "never"]
    train = ["-m", "latelier", "train", "vae", "--data", f"{files}/train-*.tar", "--out", str(out), "--resume"]
    return [*train, *asked, "--quiet", "--set", *SETTINGS]


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_several_processes_train_the_weights_of_one(files: Path, tmp_path: Path, count: int) -> None:
    whole = latelier.train("vae", data=f"{files}/train-*.tar", out=tmp_path / "one", settings=SETTINGS, **OPTIONS)
    named = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    several = tmp_path / "several"
    asked = ["--data", f"{files}/train-*.tar", "--out", str(several), *named, "--set", *SETTINGS]
    done = processes(count, "-m", "latelier", "train", "vae", *asked)
    assert done.returncode == 0, done.stderr
    one, other = (checkpoint.latest(run) for run in (whole, several))
    assert one is not None
    assert other is not None
    assert one.seen == other.seen
    before, now = load_file(one.weights), load_file(other.weights)
    # Measured: 3e-8. Four parts add up in another order, which is float error.
    assert max(float((before[name] - now[name]).abs().max()) for name in before) <= 1e-6


@pytest.mark.slow
@pytest.mark.skipif(not CHILDREN.exists(), reason="processes are found as Linux lists them")
@pytest.mark.parametrize("count", [4, 20])
def test_a_rank_that_is_killed_again_and_again_costs_a_restart_each_time_and_no_bit(
    files: Path, tmp_path: Path, count: int
) -> None:
    """Each kill -9 comes after a seeded number of changes of the run folder, or at a start, while processes look for
    each other: when a process has been there for a seeded time."""
    done = processes(2, *words(tmp_path / "whole", files))
    assert done.returncode == 0, done.stderr
    run, rng = tmp_path / "killed", np.random.default_rng(9)
    run.mkdir()
    kills = list[int]()

    def when() -> None:
        kills.append(len(kills))
        if len(kills) % 3 == 0:
            time.sleep(rng.uniform(1, 5))
            return
        stamp, changes, end = run.stat().st_mtime_ns, int(rng.integers(2, 20)), time.monotonic() + 120
        while changes > 0 and time.monotonic() < end:
            now = run.stat().st_mtime_ns
            changes, stamp = changes - (now != stamp), now
            time.sleep(0.0002)
        assert not changes, "nothing was saved for two minutes"

    victims = [int(rank) for rank in rng.permutation(np.arange(count) % 2)]
    assert killed(victims, when, tmp_path / "said", *words(run, files)) == 0, (tmp_path / "said").read_text()
    assert "connectFullMesh" not in (tmp_path / "said").read_text()
    assert contents(run) == contents(tmp_path / "whole")
