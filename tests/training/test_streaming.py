"""Training on shards that are read as it goes on: the same weights whatever happens on the way."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Captured, refused, started
from shards import labelled_tars, tar
from stores import Faults, filled, lead_to, unreliable

import latelier
from latelier.cli import main
from latelier.data.remote import attempts, store
from latelier.data.sources import sampled
from latelier.errors import Refusal
from latelier.runs.run import open_run
from latelier.runs.trained_on import trained_on
from latelier.runs.where import Where
from latelier.training import streaming

OPTIONS: dict[str, Any] = {"batch": 12, "steps": 40, "save_every": 0.2, "seed": 3, "parts": 4, "pack": "never"}
SETTINGS = ["net=mlp", "net.widths=16", "latent=3"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven shards, for four parts: two of these have one shard less in each epoch."""
    return labelled_tars(tmp_path_factory.mktemp("files"), shards=7, images=30)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def served(files: Path) -> Iterator[tuple[str, Faults]]:
    with filled(files, "streamed") as address, unreliable(address) as found:
        yield found


@pytest.fixture
def faults(served: tuple[str, Faults], monkeypatch: pytest.MonkeyPatch) -> Faults:
    address, faults = served
    lead_to(monkeypatch, address)
    vars(faults).update(vars(Faults()))
    return faults


def trained(out: Path, source: str, **options: Any) -> Path:
    return latelier.train("vae", data=source, out=out, settings=SETTINGS, quiet=True, **{**OPTIONS, **options})


def words(out: Path, source: str) -> list[str]:
    """What a user types after `latelier`."""
    named = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return ["train", "vae", "--data", source, "--out", str(out), "--resume", *named, "--quiet", "--set", *SETTINGS]


def contents(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.glob("*.safetensors")}


@pytest.fixture(scope="module")
def uninterrupted(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LATELIER_CACHE", str(place / "cache"))
        return trained(place / "run", f"{files}/train-*.tar")


@pytest.fixture
def whole(uninterrupted: Path, tmp_path: Path) -> Path:
    """Trained from files on this machine, without a break."""
    return Path(shutil.copytree(uninterrupted, tmp_path / "whole"))


def test_shards_of_a_bucket_and_of_a_folder_train_the_same_weights(
    files: Path, whole: Path, faults: Faults, tmp_path: Path
) -> None:
    vars(faults).update(refuse=3, cut=2, flip=1, delay=0.01)
    remote = trained(tmp_path / "remote", "s3://streamed/train-{0000..0006}.tar")
    assert contents(remote) == contents(whole)
    assert contents(trained(tmp_path / "folder", str(files))) == contents(whole)
    config = json.loads((remote / "config.json").read_text())
    assert config["request"]["data"] == "s3://streamed/train-{0000..0006}.tar"
    assert config["data"]["images"] == 210 - 21
    assert "AWS" not in (remote / "config.json").read_text()


def test_the_images_that_a_stream_was_trained_on_are_known_as_long_as_its_shards_stay(
    files: Path, tmp_path: Path
) -> None:
    shutil.copytree(files, tmp_path / "own")
    run = open_run(trained(tmp_path / "run", f"{tmp_path}/own/train-*.tar"))
    assert len(trained_on(run, Where(), most=1000)) == 210 - 21
    shutil.copy(files / "train-0001.tar", tmp_path / "own" / "train-0002.tar")
    with pytest.raises(Refusal, match=r"are not those that .* was trained on"):
        trained_on(run, Where(), most=1000)


def kill_and_go_on(command: list[str], run: Path, kills: int) -> None:
    """Kills the command after a seeded number of changes of the run folder, and lets the last one end."""
    run.mkdir()
    rng = np.random.default_rng(7)
    for _ in range(kills):
        process, left, stamp = started(command), int(rng.integers(2, 12)), 0
        while process.exitcode is None and left:
            now = run.stat().st_mtime_ns
            left, stamp = left - (now != stamp), now
        process.kill()
        process.join()
    last = started(command)
    last.join()
    assert last.exitcode == 0


def test_a_shard_without_images_changes_the_order_and_nothing_else(files: Path, tmp_path: Path) -> None:
    """Four parts of five shards, of which two are empty: in some epochs a part has nothing to read."""
    place = tmp_path / "some"
    shutil.copytree(files, place, ignore=lambda _, names: [name for name in names if name > "train-0003"])
    for name in ("train-0001.tar", "train-0009.tar"):
        tar(place / name, {})
    run = trained(tmp_path / "run", f"{place}/*.tar")
    assert json.loads((run / "config.json").read_text())["data"]["images"] == 60 - 6


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=[pytest.mark.slow])])
def test_a_killed_training_ends_with_the_same_bits(files: Path, whole: Path, tmp_path: Path, kills: int) -> None:
    kill_and_go_on(words(tmp_path / "killed", f"{files}/train-*.tar"), tmp_path / "killed", kills)
    assert contents(tmp_path / "killed") == contents(whole)


def test_a_fault_that_stays_ends_the_training_and_it_goes_on_when_it_has_passed(
    whole: Path, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(sampled, "SHARDS", 1)
    monkeypatch.setattr(streaming, "counts", _told)
    monkeypatch.setattr(sampled, "counts", _told)
    source = "s3://streamed/train-{0000..0006}.tar"
    monkeypatch.setattr(attempts, "TRIES", 2)
    at_first = trained(tmp_path / "first", source)
    faults.gets = 0
    fetch = store.fetch

    def failing(shard: store.Shard, file: Any) -> str:
        if faults.gets >= 4:
            faults.refuse = 1_000
        return fetch(shard, file)

    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr("latelier.data.remote.cache.fetch", failing)
    line = refused(capsys, words(tmp_path / "run", source))
    assert "cannot be read, after 2 attempts" in line
    assert "--resume" in line
    faults.refuse = 0
    monkeypatch.setattr("latelier.data.remote.cache.fetch", fetch)
    main(words(tmp_path / "run", source))
    assert contents(tmp_path / "run") == contents(at_first)


def _told(of: Any, progress: Any = None) -> Any:
    """Counts that cost no fetch."""
    from latelier.data.sources.counted import Counts

    return Counts(np.full(len(of.shards), 30, np.int64), ("0", "1", "2"))


def test_what_fits_is_packed_unless_it_is_asked_to_stream(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"{files}/train-*.tar"

    def packed(name: str, **options: Any) -> str:
        run = trained(tmp_path / name, source, **{"steps": 1, "pack": "auto", **options})
        return str(json.loads((run / "config.json").read_text())["request"]["pack"])

    assert packed("small") == "always"
    monkeypatch.setattr(streaming, "PACKED", 12 * 12 * 209)
    assert packed("large") == "never"
    assert packed("asked", pack="always") == "always"
    assert (
        str(
            json.loads((trained(tmp_path / "f", str(files), steps=1, pack="auto") / "config.json").read_text())[
                "request"
            ]["pack"]
        )
        == "auto"
    )


def test_a_streamed_run_is_scored_on_what_it_held_out(whole: Path, capsys: Captured) -> None:
    main(["score", str(whole), "--only", "reconstruction"])
    assert "21 held out" in capsys.readouterr().out
    (record,) = json.loads((whole / "scores.json").read_text())
    assert record["n"] == 21


def test_a_sample_of_many_shards_is_held_out_in_part(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "IMAGES", 40)
    monkeypatch.setattr(sampled, "SHARDS", 4)
    run = trained(tmp_path / "run", f"{files}/train-*.tar", steps=2)
    data = json.loads((run / "config.json").read_text())["data"]
    assert (data["held_out"]["share"], data["images"]) == (0.5, 190)
    main(["score", str(run), "--only", "reconstruction", "--quiet"])
    (record,) = json.loads((run / "scores.json").read_text())
    assert record["n"] == 20


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("pca", "", "fitted on all images at once"),
        ("vae", "--labels 1", "--labels chooses among all images"),
        ("vae", "--images 20", "--images chooses among all images"),
        ("vae", "--set head.unlabelled=consistent head.rounds=0.5", "looks over all images"),
    ],
)
def test_what_takes_any_image_is_refused(
    files: Path, tmp_path: Path, capsys: Captured, model: str, options: str, said: str
) -> None:
    line = refused(capsys, f"train {model} --data {files} --pack never --quiet --out {tmp_path / 'run'} {options}")
    assert said in line
    assert "--pack always" in line


def test_only_shards_are_streamed(tmp_path: Path, capsys: Captured) -> None:
    line = refused(capsys, f"train vae --data digits --pack never --out {tmp_path / 'run'}")
    assert line == "latelier: --pack never reads tar and Parquet shards, and digits is none; leave --pack out"


def test_shards_that_are_open_at_once_fit_into_the_cache(
    faults: Faults, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = words(tmp_path / "run", "s3://streamed/train-{0000..0006}.tar")
    monkeypatch.setenv("LATELIER_SHARDS", "300K")
    assert "the 7 shards that the sample is of have 501,760 bytes together" in refused(capsys, command)
    monkeypatch.setattr(sampled, "SHARDS", 2)
    line = refused(capsys, command)
    assert "8 of the largest shards for each of 4 parts of a batch have 501,760 bytes together" in line
    assert "set LATELIER_SHARDS=1G or more" in line
