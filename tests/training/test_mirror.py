"""A run that is copied while it trains, and goes on from its copy when its folder is gone."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Captured, refused, started, stopped
from engine.test_parallel import processes
from stores import ENVIRONMENT, bucket

import latelier
from latelier.engine import checkpoint
from latelier.engine.copies import newest
from latelier.errors import Failed, Refusal
from latelier.runs.learning_curve import read_log
from latelier.storage.mirror import Mirror

pytest.importorskip("moto")
pytest.importorskip("s3fs")
ASKED: dict[str, Any] = {"data": "digits", "batch": 64, "save_every": 0.25, "validation": 0.1, "quiet": True}
ASKED |= {"decay": "none", "ema": 0.1}  # else half a run has other rates than the first half of a whole one
ASKED |= {"settings": ["net=mlp", "net.widths=8", "latent=2"]}
WORDS = ["train", "vae", "--data", "digits", "--batch", "64", "--steps", "8", "--quiet"]
WORDS += ["--set", *ASKED["settings"]]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with bucket("runs") as made:
        yield made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a copy."""
    return latelier.train("vae", out=tmp_path_factory.mktemp("whole") / "run", epochs=2, **ASKED)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("url", ["s3://runs/one", "folder"])
def test_a_run_whose_folder_is_gone_goes_on_from_its_copy(url: str, whole: Path, store: Any, here: Path) -> None:
    latelier.train("vae", out="run", mirror=url, epochs=1, **ASKED)
    before = {path.name: path.read_bytes() for path in Path("run").iterdir() if path.name != ".lock"}
    shutil.rmtree("run")
    latelier.train(out="run", mirror=url, resume=True, epochs=1, quiet=True)
    assert {path.name: path.read_bytes() for path in Path("run").iterdir() if path.name != ".lock"} == before
    shutil.rmtree("run")
    latelier.train(out="run", mirror=url, resume=True, epochs=2, quiet=True)
    assert contents(Path("run")) == contents(whole)
    note = Mirror(url).read()
    assert note is not None
    assert newest(note) == checkpoint.last_seen(whole)
    assert {name for name in note["files"] if name.endswith("safetensors")} == contents(whole).keys()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_of_the_store_stands_in_the_run(store: Any, here: Path) -> None:
    """Nor does a later command send anything that does not ask for it."""
    latelier.train("vae", out="run", mirror="s3://runs/quiet", steps=8, **ASKED)
    texts = [path.read_text() for path in Path("run").iterdir() if path.suffix in (".json", ".jsonl")]
    assert not [text for text in texts if "s3:" in text or ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] in text]
    count = len(list(store.objects.filter(Prefix="quiet")))
    latelier.train(out="run", resume=True, steps=40, quiet=True)
    assert len(list(store.objects.filter(Prefix="quiet"))) == count


def test_a_url_for_a_run_is_a_folder_in_the_cache_and_its_copy(
    store: Any, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(here / "cache"))
    run = latelier.train("vae", out="s3://runs/direct", steps=8, **ASKED)
    assert run.parent == here / "cache" / "runs"
    shutil.rmtree(run)
    assert "s3://runs/direct holds a run; go on with it by --resume" in refused(
        capsys, [*WORDS, "--out", "s3://runs/direct"]
    )
    assert latelier.train(out="s3://runs/direct", resume=True, steps=40, quiet=True) == run
    assert newest(Mirror("s3://runs/direct").read()) == 40 * 64
    assert "leave --mirror out" in refused(capsys, [*WORDS, "--out", "s3://runs/direct", "--mirror", "copy"])


def test_training_does_not_wait_and_the_newest_save_is_copied(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first copy lasts until the loop has ended."""
    ended, copied, own = threading.Event(), list[list[str]](), Mirror.write

    def slow(mirror: Mirror, items: Any) -> None:
        assert ended.wait(60)
        copied.append(sorted(name for name in items if name.startswith("manifest")))
        own(mirror, items)

    monkeypatch.setattr(Mirror, "write", slow)
    monkeypatch.setattr("latelier.training.run.verdict.at_end", lambda *of: ended.set())
    run = latelier.train("vae", out="run", mirror="copy", epochs=2, **ASKED)
    assert len(copied) <= 3  # of nine saves
    assert copied[-1] == sorted(found.manifest.name for found in checkpoint.checkpoints(run))


def test_a_store_that_fails_costs_no_step_and_is_said_once(
    whole: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(mirror: Mirror, items: Any) -> None:
        raise Refusal("cannot copy to copy: the line is cut")

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "write", broken)
        with pytest.raises(Failed, match=r"run is saved, and the copy .* the line is cut; the same command with --res"):
            latelier.train("vae", out="run", mirror="copy", epochs=2, **ASKED)
    assert contents(Path("run")) == contents(whole)
    remarks = [record["remark"] for record in read_log(Path("run")) if "remark" in record]
    assert [remark for remark in remarks if "copy" in remark] == [
        "the copy of the run was not made: cannot copy to copy: the line is cut"
    ]
    assert capsys.readouterr().err.count("it is tried again at the next checkpoint") == 1
    latelier.train(out="run", mirror="copy", resume=True, epochs=2, quiet=True)
    assert newest(Mirror("copy").read()) == checkpoint.last_seen(whole)


def test_a_folder_ahead_of_its_copy_is_copied_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a process that was killed between a save and its copy."""
    run = latelier.train("vae", out="run", mirror="copy", steps=8, **ASKED)
    latelier.train(out="run", resume=True, steps=40, quiet=True)
    monkeypatch.setattr("latelier.training.mirror._finish", lambda *of: None)
    latelier.train(out=run, mirror="copy", resume=True, steps=40, quiet=True)
    assert newest(Mirror("copy").read()) == 40 * 64


def test_a_checkpoint_damaged_in_the_copy_is_passed_over(whole: Path, here: Path, capsys: Captured) -> None:
    latelier.train("vae", out="run", mirror="copy", epochs=1, **ASKED)
    shutil.rmtree("run")
    (last,) = Path("copy").glob(f"*-weights-{newest(Mirror('copy').read()):08d}.safetensors")
    last.write_bytes(last.read_bytes()[:-10])
    latelier.train(out="run", mirror="copy", resume=True, epochs=2, quiet=True)
    assert "is cut short: " in capsys.readouterr().err
    assert contents(Path("run")) == contents(whole)


def test_what_cannot_be_is_refused_before_anything_is_written(here: Path, capsys: Captured) -> None:
    latelier.train("vae", out="run", mirror="copy", steps=8, **ASKED)
    latelier.train("vae", out="other", steps=8, seed=1, **ASKED)
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").touch()
    new = [*WORDS, "--out", "new", "--mirror"]
    assert "--mirror copy holds a run; go on with it by --resume" in refused(capsys, [*new, "copy"])
    assert "lie in one another" in refused(capsys, [*new, "new/copy"])
    assert "Not a directory" in refused(capsys, [*new, "run/config.json/copy"])
    resumes = ["train", "--resume", "--quiet", "--mirror", "copy", "--out"]
    assert "--mirror copy holds another run than other" in refused(capsys, [*resumes, "other"])
    assert "--out mine is no run and holds notes.txt" in refused(capsys, [*resumes, "mine"])
    assert not (here / "new").exists()
    assert {path.name for path in (here / "mine").iterdir()} == {"notes.txt"}


def test_ctrl_c_names_the_mirror_for_the_next_command(here: Path, capsys: Captured) -> None:
    times = iter([signal.SIGINT])

    def measured(*of: Any) -> dict[str, float]:
        for number in times:
            signal.raise_signal(number)
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("latelier.engine.loop.scored", measured)
        code, said = stopped(capsys, [*WORDS, "--out", "run", "--mirror", "copy"])
    assert code == 130
    assert "go on with: latelier train --out run --resume --mirror copy" in said
    assert newest(Mirror("copy").read()) == checkpoint.last_seen(Path("run")) > 0


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
def test_two_machines_with_folders_of_their_own_go_on_from_the_copy(whole: Path, store: Any, tmp_path: Path) -> None:
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
