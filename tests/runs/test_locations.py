"""What a run was given is found from another working directory, and when run and images have moved together."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from made import folder

import latelier
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.storage import json_records

TINY: dict[str, Any] = {"steps": 2, "batch": 4, "quiet": True, "validation": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree: images, a labels file, and a run beside them, all given by relative paths."""
    place = tmp_path_factory.mktemp("whereabouts")
    folder(place / "tree" / "pics" / "train", 12, "L", (8, 8))
    folder(place / "tree" / "pics" / "test", 6, "L", (8, 8))
    rows = [f"train/{number:03}.png,{'xy'[number % 2]}" for number in range(12)]
    (place / "tree" / "classes.csv").write_text("\n".join(["file,class", *rows]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place / "tree")
        settings = ["latent=2", "net=mlp", "net.widths=4", "head.unlabelled=none"]
        given = {"data": "pics:train", "labels_file": "classes.csv", "out": "runs/first"}
        latelier.train("vae", settings=settings, **given, **TINY)
    return place


def test_it_is_found_from_another_directory(here: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "tree" / "runs")
    elsewhere = Path("first")
    latelier.score(elsewhere, only="reconstruction", quiet=True)
    latelier.train(out=elsewhere, resume=True, steps=3, quiet=True)
    assert checkpoint.last_seen(elsewhere) == 12
    request = json_records.read(elsewhere / "config.json", dict, "")["request"]
    assert (request["data"], request["labels_file"]) == ("pics:train", "classes.csv")  # as they were typed
    latelier.train(
        out=elsewhere, resume=True, steps=4, quiet=True, labels_file=os.path.relpath(made / "tree" / "classes.csv")
    )
    assert checkpoint.last_seen(elsewhere) == 16


def test_the_absolute_way_comes_first_and_a_folder_of_the_same_name_is_not_taken(
    here: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(here / "pics" / "train", 3, "L", (8, 8))
    monkeypatch.chdir(here)
    assert open_run("tree/runs/first").source == f"{made / 'tree' / 'pics'}:train"
    monkeypatch.chdir(made / "tree")
    assert open_run("runs/first").source == "pics:train"  # as it was typed, where that is the same


def test_a_tree_that_has_moved_is_found_by_the_relative_way(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = here / "tree" / "runs" / "first"
    config = json_records.read(run / "config.json", dict, "")
    places = {name: [f"/nowhere/{ways[0]}", ways[1]] for name, ways in config["places"].items()}
    json_records.write(run / "config.json", config | {"places": places})  # as in the copy on another machine
    monkeypatch.chdir(tmp_path)
    assert open_run(run).source == f"{here / 'tree' / 'pics'}:train"
    latelier.train(out=run, resume=True, steps=3, quiet=True)
    images = open_run(run).images(f"{here / 'tree' / 'pics'}:train", Where(), quiet=True)
    assert (images.label >= 0).all()  # by the labels file
    shutil.rmtree(here / "tree" / "pics")
    with pytest.raises(Refusal, match=r"was trained on pics:train, which is not there now; give its new place"):
        latelier.train(out=run, resume=True, steps=4, quiet=True)


def test_where_the_images_are_gone_others_of_that_name_are_not_taken(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(here / "tree" / "runs" / "first", tmp_path / "lone" / "first"))
    config = json_records.read(run / "config.json", dict, "")
    config["places"]["data"] = [f"{tmp_path}/gone:train", "../gone:train"]
    json_records.write(run / "config.json", config)
    folder(tmp_path / "else" / "pics" / "train", 3, "L", (8, 8))
    monkeypatch.chdir(tmp_path / "else")
    with pytest.raises(
        Refusal, match=r"was trained on pics:train, which is not there now; give its new place by --data"
    ):
        open_run(run).splits(None, Where())


def test_runs_of_earlier_versions_open_where_they_were_made(
    here: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = here / "tree" / "runs" / "first"
    config = json_records.read(run / "config.json", dict, "")
    json_records.write(run / "config.json", {name: value for name, value in config.items() if name != "places"})
    monkeypatch.chdir(here / "tree")
    assert open_run(run).source == "pics:train"
    latelier.train(out=run, resume=True, steps=3, quiet=True)
    monkeypatch.chdir(here)
    assert open_run(run).source == f"{here / 'tree' / 'pics'}:train"  # noted by the resume


def test_a_built_in_name_is_one_wherever_it_is_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(here / "digits", 3, "L", (8, 8))
    monkeypatch.chdir(here)
    run = latelier.train("vae", data="digits", out="named", images=16, settings=["latent=2"], data_root="tv", **TINY)
    config = json_records.read(run / "config.json", dict, "")
    assert config["places"] == {}
    (here / "tv").mkdir()
    latelier.train(out=run, resume=True, steps=3, quiet=True)
    config = json_records.read(run / "config.json", dict, "")
    assert config["places"] == {"data_root": [str(here / "tv"), "../tv"]}
    assert open_run(run).source == "digits"
