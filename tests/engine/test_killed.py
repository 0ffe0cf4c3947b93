"""kill -9 at any moment, and a disk that fills up: what is lost is time, never a run.

The killed command is the user's own, started again with --resume until it ends. Each kill comes after a seeded number
of changes in the run folder, and up to 20 ms later, so that many fall into the middle of a save.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused, started

import latelier
from latelier.cli import main
from latelier.engine import checkpoint

SETTINGS = ["net=mlp", "net.widths=32", "latent=4", "head=softmax"]
OPTIONS = {"data": "digits", "batch": 32, "labels": 5, "save_every": 0.1, "ema": 0.5, "seed": 3}


def words(out: Path, epochs: float) -> list[str]:
    """What a user types after `latelier`."""
    flags = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [
        "train",
        "vae",
        "--out",
        str(out),
        "--resume",
        "--epochs",
        str(epochs),
        *flags,
        "--quiet",
        "--set",
        *SETTINGS,
    ]


def kill(process: BaseProcess, folder: Path, changes: int, delay: float) -> None:
    """After this many changes of the folder and a delay in seconds."""
    stamp = folder.stat().st_mtime_ns
    while process.exitcode is None and changes > 0:
        before, stamp = stamp, folder.stat().st_mtime_ns
        changes -= before != stamp
        time.sleep(0.0002)
    time.sleep(delay)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it ended before it was killed"


def newest(folder: Path) -> int:
    found = checkpoint.latest(folder)
    return found.seen if found else 0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize(
    ("kills", "epochs"), [(2, 2), pytest.param(20, 40, marks=[pytest.mark.slow])], ids=["twice", "twenty-times"]
)
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path, kills: int, epochs: float) -> None:
    whole = latelier.train("vae", out=tmp_path / "whole", epochs=epochs, settings=SETTINGS, quiet=True, **OPTIONS)
    folder, rng, reached = tmp_path / "killed", np.random.default_rng(7), [0]
    folder.mkdir()
    for _ in range(kills):
        kill(started(words(folder, epochs)), folder, int(rng.integers(1, 30)), rng.uniform(0, 0.02))
        reached.append(newest(folder))
    assert reached == sorted(reached)  # nothing that was saved is ever lost
    assert reached[-1] > 0
    last = started(words(folder, epochs))
    last.join()
    assert last.exitcode == 0
    assert contents(folder) == contents(whole)  # with their metadata: seen, best, settings
    left = {path.name for path in folder.iterdir()} - {".lock"}
    assert left == {path.name for path in whole.iterdir()} - {".lock"}  # no file of a killed save stays


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    return latelier.train(
        "vae", out=tmp_path_factory.mktemp("whole"), epochs=1, settings=SETTINGS, quiet=True, **OPTIONS
    )


def test_a_full_disk_ends_the_run_with_one_line_and_it_goes_on_when_there_is_space(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    calls, sync = [], os.fsync

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 20:  # in the middle of the third save: two calls a file
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        line = refused(capsys, words(tmp_path / "run", 1))
    assert line.startswith("latelier: the disk is full: cannot write ")
    assert "--resume" in line
    assert newest(tmp_path / "run") > 0
    main(words(tmp_path / "run", 1))
    assert contents(tmp_path / "run") == contents(whole)


MOUNTS = (
    shutil.which("unshare")
    and not subprocess.run(
        ["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False
    ).returncode
)


@pytest.mark.slow
@pytest.mark.skipif(not MOUNTS, reason="needs unshare and the right to mount")
def test_a_disk_that_is_really_full(whole: Path, tmp_path: Path) -> None:
    """It has room for two checkpoints and a half; then it grows."""
    run, disk = tmp_path / "run", 5 * sum(map(len, contents(whole).values())) // 4
    (tmp_path / "run").mkdir()
    train = shlex.join([sys.executable, "-m", "latelier", *words(run, 1)])
    script = f"""
        mount -t tmpfs -o size={disk} none {run} || exit 99
        {train}; echo "status $?"; ls -A {run}; echo "left: $(ls -A {run} | grep -c tmp)"
        mount -o remount,size=100m {run}; {train}; echo "status $?"
        cp {run}/*.safetensors {tmp_path}
    """
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if " " in line] == ["status 2", "left: 0", "status 0"]
    assert len(done.stderr.splitlines()) == 1
    assert "the disk is full" in done.stderr
    assert contents(tmp_path) == contents(whole)


def test_a_checkpoint_cut_short_is_named_and_the_one_before_is_used(
    whole: Path, tmp_path: Path, capsys: Captured
) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    torn = run / f"weights-{newest(whole):08d}.safetensors"
    torn.write_bytes(torn.read_bytes()[:1000])
    before = newest(run)
    assert before < newest(whole)
    main(["draw", str(run), "samples", "--out", str(tmp_path / "samples.png")])
    said = capsys.readouterr().err
    assert f"{torn.name} is cut short: 1,000 of" in said
    assert f"using the checkpoint at {before:,} images" in said
    main(["train", "--resume", "--out", str(run)])
    assert f"{torn.name} is cut short" in capsys.readouterr().err
    assert contents(run) == contents(whole)  # trained again from the one before


NAPS = """
import os, sys, time
from pathlib import Path
from latelier.bench.processes import run_all

def nap(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    run_all([(nap, sys.argv[1]), (nap, sys.argv[1])])
"""


@pytest.mark.slow
def test_workers_end_with_whoever_started_them(tmp_path: Path) -> None:
    script, folder = tmp_path / "naps.py", tmp_path / "at work"
    script.write_text(NAPS)
    folder.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), str(folder)])
    while not (names := [path.name for path in folder.iterdir()]) and parent.poll() is None:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while any(Path("/proc", name).exists() for name in names) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [name for name in names if Path("/proc", name).exists()] == []
