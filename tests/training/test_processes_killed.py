"""One of several processes over shards is killed, again and again: the launcher starts them anew, once each time, and
the run ends with the weights of one that nobody touched."""

import time
from pathlib import Path

import numpy as np
import pytest
from launched import killed, processes
from shards import labelled_tars
from training.test_streaming import SETTINGS, contents

CHILDREN = Path("/proc/self/task")


def words(out: Path, files: Path) -> list[str]:
    """What a user types behind the launcher."""
    asked = ["--batch", "12", "--steps", "600", "--save-every", "1", "--seed", "3", "--parts", "4", "--pack", "never"]
    train = ["-m", "latelier", "train", "vae", "--data", f"{files}/train-*.tar", "--out", str(out), "--resume"]
    return [*train, *asked, "--quiet", "--set", *SETTINGS]


@pytest.mark.slow
@pytest.mark.skipif(not CHILDREN.exists(), reason="processes are found as Linux lists them")
def test_a_rank_that_is_killed_again_and_again_costs_a_restart_each_time_and_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kill -9 comes after a seeded number of changes of the run folder, or at a start, while processes look for
    each other: when a process has been there for a seeded time."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    files = labelled_tars(tmp_path / "files", shards=7, images=30)
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

    victims = [int(rank) for rank in rng.permutation([0, 0, 1, 1])]
    assert killed(victims, when, tmp_path / "said", *words(run, files)) == 0, (tmp_path / "said").read_text()
    assert "connectFullMesh" not in (tmp_path / "said").read_text()
    assert contents(run) == contents(tmp_path / "whole")
