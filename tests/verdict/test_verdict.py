"""Verdicts on runs: at the end of train, in score, and kept."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Captured, stopped
from judged import opened, pets_and_run, train
from made import folder
from safetensors.torch import load_file

import latelier
from latelier.cli import main
from latelier.errors import Failed
from latelier.runs.command import report
from latelier.runs.run import Run
from latelier.verdict import verdict


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pets_and_run(tmp_path_factory.mktemp("made"))


def sentences(run: Path) -> list[str]:
    return [finding["text"] for finding in json.loads((run / "verdict.json").read_text())["findings"]]


def following(said: str) -> str:
    (line,) = [line.removeprefix("Next: ") for line in said.splitlines() if line.startswith("Next: ")]
    return line


def test_train_ends_with_a_verdict_and_one_command_and_keeps_it(here: Path, capsys: Captured) -> None:
    run = train(here / "pets", here / "new")
    said = capsys.readouterr().err
    assert all(text in said for text in sentences(run))
    assert 3 <= len(sentences(run)) <= 5
    assert "warning: Has not learned: reconstructs " in said
    assert said.count("Next: ") == 1
    assert f"Next: latelier train --out {run} --resume --steps 1000" in said
    kept = json.loads((run / "verdict.json").read_text())
    assert kept["seen"] == 72
    assert kept["facts"]["images"] <= 20


def test_quiet_training_measures_nothing(here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "measured", None)  # would fail if it were called
    run = train(here / "pets", here / "new", quiet=True)
    assert "Next" not in capsys.readouterr().err
    assert not (run / "verdict.json").exists()


def test_a_verdict_leaves_training_as_it_was(here: Path) -> None:
    whole = train(here / "pets", here / "whole", epochs=4, decay="none", quiet=True)
    train(here / "pets", here / "parts", epochs=2, decay="none")
    parts = train(here / "pets", here / "parts", epochs=4, resume=True)
    one, other = (load_file(max(run.glob("weights-*.safetensors"))) for run in (whole, parts))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


DIVERGING: dict[str, Any] = {
    "settings": {"net": "mlp", "net.widths": (8,), "latent": 2, "likelihood": "squared"},
    "rate": 1e3,
    "epochs": 4,
}


@pytest.mark.parametrize("quiet", [False, True])
def test_a_training_that_failed_is_saved_and_exits_1(quiet: bool, here: Path, capsys: Captured) -> None:
    with pytest.raises(Failed, match=r"^Training failed: \w+ is [\w,]+( than a million)? times .* is saved in "):
        train(here / "pets", here / "new", quiet=quiet, **DIVERGING)
    assert list((here / "new").glob("weights-*.safetensors"))
    tiny = "--batch 8 --set net=mlp net.widths=8 latent=2 likelihood=squared --rate 1e3 --epochs 4"
    code, said = stopped(capsys, f"train vae --data pets --out again {'--quiet' if quiet else ''} {tiny}")
    assert code == 1
    assert "latelier: Training failed: " in said
    assert quiet or "Next: latelier train vae --data pets --out again-slower " in said
    assert quiet or "--rate 0.001 --" in said  # vae's own


def test_a_resumed_training_that_failed_goes_on_from_the_checkpoint_before(here: Path, capsys: Captured) -> None:
    train(here / "pets", here / "new", validation=0.25, epochs=4, quiet=True, settings=DIVERGING["settings"])
    code, said = stopped(capsys, "train --out new --resume --epochs 8 --rate 1e3")
    assert code == 1
    assert following(said) == "latelier train --out new --resume --rate 0.001"
    main(shlex.split(following(said))[1:])
    again = capsys.readouterr().err
    assert "has diverged: its validation is a thousand times the best" in again
    assert "Training failed" not in again
    assert max(record["seen"] for record in opened(here, "new")[0].log) == 240
    last = [record["terms"] for record in opened(here, "new")[0].log if "terms" in record][-1]
    assert all(abs(value) < 1e4 for value in last.values())


def test_kept_numbers_are_taken_for_the_same_checkpoint_and_images_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, splits = opened(here)
    before = verdict.conclude(run, splits)
    calls: list[int] = []

    def measured(*_: Any, **__: Any) -> dict[str, float]:
        calls.append(1)
        return {"images": 5.0, "seen": 0.0}

    monkeypatch.setattr(verdict, "measured", measured)
    assert verdict.verdict(run, splits)[0] == before
    assert not calls
    run.seen += 8
    assert verdict.verdict(run, splits)[0] != before
    assert len(calls) == 1
    run.seen -= 8
    fewer = splits._replace(test=splits.test.take(np.arange(3)))
    assert verdict.verdict(run, fewer)[0] != before
    assert len(calls) == 2


def test_score_says_the_verdict_and_keeps_that_of_the_runs_own_images(here: Path, capsys: Captured) -> None:
    run = here / "run"
    (run / "verdict.json").unlink()
    folder(here / "others", 12, "L", size=(8, 8))
    latelier.score(str(run), data=str(here / "others"), only=["reconstruction"])
    assert "Next: " in capsys.readouterr().out
    assert not (run / "verdict.json").exists()
    latelier.score(str(run), data=None, only=["reconstruction"], quiet=True)
    assert not (run / "verdict.json").exists()
    latelier.score(str(run), only=["reconstruction"])
    said = capsys.readouterr().out
    assert all(text in said for text in sentences(run))
    assert said.index("Next: ") < said.index("PSNR dB")  # the verdict first


def test_a_run_that_cannot_be_written_to_can_still_be_judged(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Run, "keep", keep)
    with pytest.raises(PermissionError):
        latelier.score(str(here / "run"), only=["reconstruction"])
    said = capsys.readouterr().out
    assert "Next: " in said
    assert "PSNR dB" in said


def test_scoring_measures_once_for_the_verdict(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls, measure = here / "run", list[int](), verdict.measured
    (run / "verdict.json").unlink()

    def measured(*given: Any, **options: Any) -> dict[str, float]:
        calls.append(1)
        return measure(*given, **options)

    monkeypatch.setattr(verdict, "measured", measured)
    latelier.score(str(run), only=["reconstruction"])
    assert len(calls) == 1
    assert sentences(run)


def test_a_probe_among_the_scores_stands_in_for_the_quick_one(made: Path) -> None:
    run, splits = opened(made)
    values = {f"linear {space} 10/class %": 51.0 for space in ("codes", "pixels", "PCA")}
    values |= {"linear codes 10/class %": 99.0, "majority %": 50.0}
    record = {"name": "probe", "data": splits.test.source, "seen": run.seen, "n": 20, "values": values}
    better = "Its codes predict labels better than pixels do: 99 % right from 10 labels a class, pixels 51 %"
    assert any(better in text for _, text in verdict.verdict(run, splits, [record])[0])
    for stale in ({"seen": 1}, {"data": "elsewhere"}, {"n": 1}):
        assert not any(better in text for _, text in verdict.verdict(run, splits, [record | stale])[0])


def test_a_run_that_learned_from_labels_is_not_praised_for_knowing_them(here: Path) -> None:
    run = train(here / "pets", here / "few", labels=3)
    assert not any("codes" in text.lower() for text in sentences(run))
    assert any("accuracy" in text and "; always the largest class: " in text for text in sentences(run))
    facts = json.loads((run / "verdict.json").read_text())["facts"]
    assert facts["baseline labels"] == 6


def test_a_run_that_learned_attributes_is_judged_by_them(here: Path) -> None:
    nets = {"width": 0.0625, "latent": 3}
    run = train(here / "pets", here / "told", "vac", settings=nets, validation=0)
    assert any(text.startswith("Has not learned the attribute dogs: balanced accuracy ") for text in sentences(run))


def test_the_next_command_of_ones_own_model_names_its_file_and_works(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "my model.py").write_text("from latelier.models.vae import Config, Model\n")
    train(here / "pets", here / "new", "my model.py")
    first = following(capsys.readouterr().err)
    assert first.startswith(f"LATELIER_CODE='my model.py' latelier train --out {here}/new --resume --steps ")
    named, *command = shlex.split(first)
    monkeypatch.setenv(*named.split("=", 1))
    main([*command[1:-1], "12"])  # fewer steps than it says
    assert following(capsys.readouterr().err).startswith("LATELIER_CODE='my model.py' latelier ")
    monkeypatch.setenv("LATELIER_CODE", str(here / "my model.py"))
    assert (
        report(opened(here, "new")[0], "pets:test") == f"LATELIER_CODE='{here}/my model.py' latelier report {here}/new"
    )
