"""Values of options under their former names: read for one more version, and a line says so."""

import json
from pathlib import Path

import pytest
from commands import Captured
from made import folder

import latelier
from latelier.cli import main
from latelier.config.renamed import tokens_of_today
from latelier.runs.config import read_config
from latelier.sheets import IMAGES, samples, wanted
from latelier.verbs.draw import options_of


def test_a_former_value_is_replaced_behind_its_option_alone(capsys: Captured) -> None:
    given = ["train", "--as=pictures", "--data", "pictures", "--through", "picture", "--as"]
    said = tokens_of_today(given)
    assert said == ["train", "--as=images", "--data", "pictures", "--through", "image", "--as"]
    assert capsys.readouterr().err.splitlines() == [
        "--as pictures is called --as images now; the next version will not take pictures",
        "--through picture is called --through image now; the next version will not take picture",
    ]


def test_a_run_that_was_trained_with_a_former_value_is_opened_and_resumed(tmp_path: Path, capsys: Captured) -> None:
    folder(tmp_path / "pets" / "cats", 12, "L", size=(8, 8))
    folder(tmp_path / "pets" / "dogs", 12, "L", size=(8, 8))
    where = f"--data {tmp_path}/pets --out {tmp_path}/run --set net=mlp net.widths=4".split()
    main(["train", "vae", *where, "--as", "pictures", "--steps", "2", "--quiet"])
    assert "--as pictures is called --as images now" in capsys.readouterr().err
    path = tmp_path / "run" / "config.json"
    written = path.read_text()
    assert read_config(path)["request"]["as_"] == json.loads(written)["request"]["as_"] == "images"
    before = {name: value for name, value in json.loads(written).items() if name != "checksum"}
    before["request"] |= {"as_": "pictures", "monitor": "strangers"}  # as earlier versions wrote it
    before["plan"]["monitor"] = ["strangers", True]
    path.write_text(json.dumps(before))
    now = read_config(path)
    assert (now["request"]["as_"], now["request"]["monitor"]) == ("images", "other images")
    assert now["plan"]["monitor"] == ["other images", True]
    before["request"]["monitor"] = None
    path.write_text(json.dumps(before))
    latelier.train(out=tmp_path / "run", steps=3, resume=True, quiet=True)
    assert json.loads(path.read_text())["request"]["as_"] == "images"
    latelier.score(tmp_path / "run", only=["reconstruction"], quiet=True)


def test_python_takes_former_values_too(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    from latelier.sheets import imagine

    assert options_of("imagine", imagine, {"caption": "a dog", "through": "picture"}).through == "image"
    assert wanted(samples) == IMAGES
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(samples, "PICTURES", 7, raising=False)  # of a user's own sheet
    assert wanted(samples) == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "samples.py: PICTURES is now called IMAGES: rename it there; the next version reads IMAGES alone"
    )
    monkeypatch.setattr(samples, "IMAGES", 9, raising=False)  # as in a sheet that either version reads
    assert wanted(samples) == 9
    assert capsys.readouterr().err == ""
