"""A run that is copied while it trains, and goes on from its copy when its folder is gone."""

import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Captured, refused, stopped
from stores import ENVIRONMENT, bucket

import latelier
from latelier.engine import checkpoint
from latelier.engine.copies import Copying, copy, newest
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
    """The first copy lasts until the loop has ended and the last copy is asked for."""
    trained, ended, copied, own, ask = list[bool](), threading.Event(), list[list[str]](), Mirror.write, Copying.saved

    def slow(mirror: Mirror, items: Any) -> None:
        assert ended.wait(60)
        copied.append(sorted(name for name in items if name.startswith("manifest")))
        own(mirror, items)

    def saved(copying: Copying) -> list[str]:
        new = ask(copying)
        if trained:
            ended.set()
        return new

    monkeypatch.setattr(Mirror, "write", slow)
    monkeypatch.setattr(Copying, "saved", saved)
    monkeypatch.setattr("latelier.training.run.verdict.at_end", lambda *of: trained.append(True))
    run = latelier.train("vae", out="run", mirror="copy", epochs=2, **ASKED)
    assert len(copied) <= 3  # of nine saves: the first, it again since its files have gone, and the last
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
        "the copy of the run was not made: cannot copy to copy: the line is cut; it is tried again at each checkpoint"
    ]
    assert capsys.readouterr().err.count("it is tried again at each checkpoint") == 1
    latelier.train(out="run", mirror="copy", resume=True, epochs=2, quiet=True)
    assert newest(Mirror("copy").read()) == checkpoint.last_seen(whole)


def test_a_folder_ahead_of_its_copy_is_copied_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a process that was killed between a save and its copy."""
    run = latelier.train("vae", out="run", mirror="copy", steps=8, **ASKED)
    latelier.train(out="run", resume=True, steps=40, quiet=True)
    monkeypatch.setattr("latelier.training.mirror._finished", lambda *of: "")
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


def test_a_folder_whose_checkpoints_are_all_damaged_goes_on_from_the_copy(whole: Path, here: Path) -> None:
    latelier.train("vae", out="run", mirror="copy", epochs=1, **ASKED)
    for path in Path("run").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    latelier.train(out="run", mirror="copy", resume=True, epochs=2, quiet=True)
    assert contents(Path("run")) == contents(whole)


def test_what_ends_a_training_is_not_hidden_by_a_copy_that_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(*of: Any) -> None:
        raise Refusal("the line is cut")

    def full(*of: Any) -> None:
        raise Refusal("the disk is full")

    monkeypatch.setattr(Mirror, "write", broken)
    monkeypatch.setattr("latelier.training.run.verdict.at_end", full)
    code, said = stopped(capsys, [*WORDS, "--out", "run", "--mirror", "copy"])
    assert code == 2
    assert "run is saved, and the copy of the run was not made: the line is cut; the same command with --re" in said
    assert said.splitlines()[-1] == "latelier: the disk is full"


def test_what_cannot_be_is_refused_before_anything_is_written(here: Path, capsys: Captured) -> None:
    latelier.train("vae", out="run", mirror="copy", steps=8, **ASKED)
    latelier.train("vae", out="other", steps=8, seed=1, **ASKED)
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").touch()
    new = [*WORDS, "--out", "new", "--mirror"]
    assert "--mirror copy holds a run; go on with it by --resume" in refused(capsys, [*new, "copy"])
    assert "lie in one another" in refused(capsys, [*new, "new/copy"])
    assert "Not a directory" in refused(capsys, [*new, "run/config.json/copy"])
    said = refused(capsys, [*new, "s3:/key:secret@bucket/run"])
    assert "with ://" in said
    assert "secret" not in said
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


def test_a_mirror_of_another_run_is_neither_taken_nor_written_over(here: Path, capsys: Captured) -> None:
    """Runs that differ in their settings alone, and one that begins to copy while another does."""
    latelier.train("vae", out="run", mirror="copy", steps=8, **ASKED)
    wider = {**ASKED, "settings": ["net=mlp", "net.widths=8", "latent=3"]}
    latelier.train("vae", out="wider", steps=4, **wider)
    before = {path: path.read_bytes() for place in ("copy", "wider") for path in (here / place).glob("*.*")}
    said = refused(capsys, ["train", "--resume", "--quiet", "--mirror", "copy", "--out", "wider", "--steps", "16"])
    assert "--mirror copy holds another run than wider (model.config.latent is 2 there and 3 here)" in said
    assert {path: path.read_bytes() for path in before} == before

    late = Mirror("both")
    assert late.read() is None
    copy(here / "run", Mirror("both"))
    with pytest.raises(Refusal, match="both holds the copy of another run by now"):
        copy(here / "wider", late)
    assert (note := Mirror("both").read()) is not None
    assert newest(note) == checkpoint.last_seen(here / "run")


def test_attributes_that_a_run_was_given_are_in_its_copy(here: Path) -> None:
    rows = [f"{row},{row % 2}" for row in range(200)]
    (here / "attributes.csv").write_text("\n".join(["file,odd", *rows, ""]))
    options = {**ASKED, "attributes_file": "attributes.csv"}
    latelier.train("vae", out="run", mirror="copy", steps=4, **options)
    kept = (here / "run" / "attributes.csv").read_bytes()
    shutil.rmtree("run")
    (here / "attributes.csv").unlink()
    latelier.train(out="run", mirror="copy", resume=True, steps=8, quiet=True)
    assert (here / "run" / "attributes.csv").read_bytes() == kept
