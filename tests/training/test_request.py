"""What may be asked of a run that is begun, and of one that goes on."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import latelier
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs.config import read_config
from latelier.runs.options import Options
from latelier.storage import json_records
from latelier.training.request import LACKED
from latelier.verbs.train import train

TINY = {"settings": ["net=mlp", "net.widths=", "latent=2"], "data": "digits", "batch": 64, "quiet": True}


def test_the_verb_takes_what_options_are() -> None:
    """Its signature is written out, for a person and an editor: names in order, defaults and types are the options'."""
    asked, told = signature(train).parameters, get_type_hints(Options)
    assert list(asked) == [field.name for field in fields(Options)]
    assert {name: one.default for name, one in asked.items()} == vars(Options())
    place, settings = str | Path, Sequence[str] | Mapping[str, Any]
    words = {str: place, str | None: place | None, list[str] | None: settings | None}  # of the command line
    own = {"range": tuple[float, float] | None} | {
        name: told[name] for name in ("model", "where", "monitor", "judge", "device")
    }
    assert {name: own.get(name, words.get(kind, kind)) for name, kind in get_type_hints(train).items()} == {
        **told,
        "return": Path,
    }


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("begun") / "run"
    return latelier.train("autoencoder", out=str(out), epochs=0.1, parts=2, **TINY)


@pytest.fixture
def run(begun: Path, tmp_path: Path) -> Path:
    return shutil.copytree(begun, tmp_path / "moved")


def newest(run: Path) -> int:
    return checkpoint.checkpoints(run)[-1].seen


def test_a_moved_run_goes_on_with_what_it_began_with(run: Path) -> None:
    latelier.train(out=str(run), resume=True, epochs=0.2)
    assert newest(run) == 320  # the next multiple of 64 after 0.2 x 1297
    config = read_config(run / "config.json")
    assert (config["plan"]["parts"], config["plan"]["batch"], config["request"]["model"]) == (2, 64, "autoencoder")


def test_a_run_may_be_given_the_default_length(run: Path) -> None:
    latelier.train(out=str(run), resume=True, epochs=20)
    assert newest(run) >= 20 * 1297


def test_fewer_epochs_than_were_seen_change_no_checkpoint(run: Path) -> None:
    before = newest(run)
    with pytest.raises(Refusal, match="has taken 3 steps, and 2 were asked for"):
        latelier.train(out=str(run), resume=True, epochs=0.05)
    assert newest(run) == before


@pytest.mark.parametrize("change", [{"rate": 1e-4}, {"clip": 1.0}])
def test_what_is_advised_after_a_divergence_is_allowed(run: Path, change: dict[str, Any]) -> None:
    latelier.train(out=str(run), resume=True, epochs=0.2, **change)
    assert newest(run) == 320


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"batch": 32}, "--batch was 64 in .* and is 32 now"),
        ({"parts": 4}, "--parts was 2 in .* and is 4 now"),
        ({"seed": 7}, "--seed was 0 in .* and is 7 now"),
        ({"affine": 1.0}, "--affine was 0 in .* and is 1.0 now"),
    ],
)
def test_what_would_make_it_another_run_is_refused(run: Path, change: dict[str, Any], line: str) -> None:
    with pytest.raises(Refusal, match=line):
        latelier.train(out=str(run), resume=True, epochs=0.2, **change)


def test_a_run_from_before_there_were_affine_changes_goes_on_without_them(run: Path) -> None:
    config = read_config(run / "config.json")
    config["request"] = {name: value for name, value in config["request"].items() if name not in LACKED}
    json_records.write(run / "config.json", config)
    with pytest.raises(Refusal, match=r"--cutout was 0\.0 in .* and is 0\.3 now"):
        latelier.train(out=str(run), resume=True, epochs=0.2, cutout=0.3)
    latelier.train(out=str(run), resume=True, epochs=0.2)
    assert newest(run) == 320
    assert read_config(run / "config.json")["request"]["affine"] == 0


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"epochs": float("inf")}, r"--epochs takes more than 0 and at most 1e\+12, but got inf"),
        ({"epochs": 1e300}, r"--epochs takes more than 0 and at most 1e\+12, but got 1e\+300"),
        ({"ema": 1e308}, r"--ema takes more than 0 and at most 1e\+12, but got 1e\+308"),
        ({"warmup": 1e308}, r"--warmup takes at least 0 and at most 1e\+12, but got 1e\+308"),
        ({"epochs": -1}, "--epochs takes more than 0, but got -1"),
        ({"seed": -1}, "--seed takes at least 0, but got -1"),
        ({"warmup": -0.5}, r"--warmup takes at least 0 and at most 1e\+12, but got -0.5"),
        ({"parts": 3}, "--batch 64 must be a multiple of --parts 3"),
        ({"affine": -1.0}, r"affine is a strength from 0 to 3 \(1 is usual\), not -1.0"),
        ({"affine": 1000.0}, r"affine is a strength from 0 to 3 \(1 is usual\), not 1000.0"),
        ({"colour": 1e300}, r"colour is a strength from 0 to 3 \(1 is usual\), not 1e\+300"),
        ({"shift": 8}, "shift moves by pixels, fewer than the 8 of the shorter side, not by 8"),
        ({"shift": 10**21}, "shift moves by pixels, fewer than the 8 of the shorter side, not by 1000"),
        ({"cutout": 1.5}, "cutout is a share of the image's side, from 0 to below 1, not 1.5"),
    ],
)
def test_a_number_out_of_its_range_is_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any], line: str
) -> None:
    with pytest.raises(Refusal, match=line):
        latelier.train("autoencoder", out=str(tmp_path / "run"), **TINY, **wrong)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"steps": 2.5}, r"--steps takes a whole number, but got 2\.5"),
        ({"steps": True}, "--steps takes a whole number, but got True"),
        ({"labels": "5"}, "--labels takes a whole number, but got '5'"),
        ({"epochs": "2"}, "--epochs takes a number, but got '2'"),
        ({"settings": "latent=2"}, r"settings takes a dict, or a list as \['latent=2'\], but got 'latent=2'"),
        ({"out": None}, "no run folder was given"),
        ({"out": 7}, "--out: 7 is no path; give one"),
    ],
)
def test_what_is_no_number_or_path_is_refused_in_python_too(given: dict[str, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=line):
        latelier.train("vae", **{"data": "digits", "out": tmp_path / "run", "quiet": True, **given})
    assert not (tmp_path / "run").exists()


def test_numbers_of_numpy_are_taken(tmp_path: Path) -> None:
    given = {"steps": np.int64(2), "batch": np.int32(8), "rate": np.float32(1e-3), "settings": {"latent": 2}}
    run = latelier.train("vae", data="digits", images=16, out=tmp_path / "run", quiet=True, **given)
    assert read_config(run / "config.json")["request"]["steps"] == 2


def test_nothing_to_resume_and_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="holds no run to resume, and no model was named"):
        latelier.train(out=str(tmp_path / "run"), data="digits", resume=True)


@pytest.mark.parametrize("content", [[], {"architectures": ["elsewhere"]}])
def test_a_config_of_something_else_is_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(Refusal, match=r"config\.json is damaged or not latelier's: "):
        latelier.train("autoencoder", out=str(tmp_path), resume=True, **TINY)


def test_the_former_name_of_monitor_is_heard_and_what_it_is_now_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**TINY, "images": 64, "batch": 8, "steps": 2, "validation": 0.2, "quiet": False}
    run = latelier.train("vae", out=tmp_path / "run", judge="distortion", **given)
    assert "--judge is called --monitor now; the next version will not take --judge\n" in capsys.readouterr().err
    with pytest.raises(Refusal, match=r"^--judge is --monitor by its former name; give --monitor alone$"):
        latelier.train("vae", out=tmp_path / "both", judge="distortion", monitor="loss", **given)
    assert not (tmp_path / "both").exists()
    assert read_config(run / "config.json")["request"]["monitor"] == "distortion"


def test_a_run_whose_config_has_the_former_name_goes_on(tmp_path: Path) -> None:
    given = {**TINY, "images": 64, "batch": 8, "validation": 0.2, "monitor": "distortion", "epochs": 1}
    run = latelier.train("vae", out=tmp_path / "run", **given)
    config = read_config(run / "config.json")
    config["request"]["judge"] = config["request"].pop("monitor")
    json_records.write(run / "config.json", config)
    with pytest.raises(Refusal, match="--monitor was distortion"):
        latelier.train(out=run, resume=True, epochs=2, monitor="loss", quiet=True)
    latelier.train(out=run, resume=True, epochs=2, quiet=True)
    assert read_config(run / "config.json")["request"]["monitor"] == "distortion"


def test_a_run_that_is_at_its_end_says_how_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = latelier.train("vae", out=tmp_path / "run", **{**TINY, "images": 64, "batch": 8, "steps": 2})
    before = checkpoint.last_seen(run)
    latelier.train(out=run, resume=True)
    assert f"{run} has its 2 steps already; --steps N goes on to N" in capsys.readouterr().err
    assert checkpoint.last_seen(run) == before == 16
