"""Recipes: what each is made of, and that a stopped one goes on."""

import ast
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latelier
from latelier.bench.jobs import Bench, Job, _key, perform, spread
from latelier.config.recipes import find_recipe, list_recipes
from latelier.errors import Refusal
from latelier.runs.where import Where
from latelier.storage import files, json_records
from latelier.verbs.reproduce import _same

SETTINGS = {"net": "mlp", "net.widths": (8,), "latent": 2}


def bench(place: Path, **changes: object) -> Bench:
    return Bench(place, "digits", Where(), **{"share": 0.5, **changes})


def job(row: str = "vae", **changes: object) -> Job:
    return Job(row, "vae", "reconstruction", **{"epochs": 1, "settings": SETTINGS, **changes})


def test_a_training_is_made_once_and_shared(tmp_path: Path) -> None:
    here = bench(tmp_path)
    assert job("a").folder == job("b").folder == job(options={"x": 1}).folder
    different = [job(seed=1), job(epochs=2), job(settings={**SETTINGS, "latent": 3}), job(training={"rate": 0.1})]
    assert len({one.folder for one in [job(), *different]}) == 5
    run = here.train(job())
    assert run.seen == 768  # half an epoch of 1,297, in whole batches of 128
    before = (run.folder / "log.jsonl").read_bytes()
    assert here.train(job("b")).folder == run.folder
    assert (run.folder / "log.jsonl").read_bytes() == before
    assert run.model.image == (1, 8, 8)


def test_another_size_takes_the_place_of_the_recipes(tmp_path: Path) -> None:
    assert bench(tmp_path, size=4).train(job(training={"size": 6})).model.image == (1, 4, 4)


def test_a_training_that_was_stopped_goes_on(tmp_path: Path) -> None:
    here = bench(tmp_path, share=1.0)
    run = here.train(job())
    (run.folder / "done").unlink()
    assert here.train(job()).seen == run.seen
    assert (run.folder / "done").exists()


def test_a_training_that_was_stopped_before_its_first_checkpoint_begins_anew(tmp_path: Path) -> None:
    here = bench(tmp_path)
    folder = here.out / job().folder
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    with files.only_writer(folder), pytest.raises(Refusal, match="is being written by another"):
        here.train(job())
    assert (folder / "config.json").exists()
    assert here.train(job()).seen > 0


def test_what_no_training_left_is_not_removed(tmp_path: Path) -> None:
    here = bench(tmp_path)
    theirs = here.out / job().folder / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    (theirs.parent / "config.json").write_text("{}")
    theirs.write_text("precious")
    with pytest.raises(Refusal, match=r"thesis\.txt is nothing that a training leaves; move it"):
        here.train(job())
    assert (theirs.read_text(), (theirs.parent / "config.json").read_text()) == ("precious", "{}")


def test_links_in_a_folder_of_recipes_are_refused(tmp_path: Path) -> None:
    asked = {"data": "digits", "share": 0.5}
    json_records.write(tmp_path / "recipes.json", asked)
    _same(tmp_path, asked)
    (tmp_path / "measured.jsonl").symlink_to(tmp_path.parent / "theirs")
    with pytest.raises(Refusal, match=r"measured\.jsonl is a link"):
        _same(tmp_path, asked)
    (tmp_path / "measured.jsonl").unlink()
    with pytest.raises(Refusal, match=r"holds what --data digits --share 0\.5 gave, not --data digits --share 1"):
        _same(tmp_path, {**asked, "share": 1})


def test_records_without_finite_values_are_measured_anew(tmp_path: Path) -> None:
    here = bench(tmp_path)
    values: dict[str, dict[str, float]] = {"a": {}, "b": {"x": float("nan")}, "c": {"x": 1.0}}
    lines = [json.dumps({"key": key, "values": found}) for key, found in values.items()]
    (tmp_path / "measured.jsonl").write_text("\n".join(lines) + "\n")
    assert here._known() == {"c": {"x": 1.0}}


def test_what_is_not_finite_stands_in_the_table_once_it_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bench(tmp_path)

    def diverged(tasks: Sequence[Any], done: Any) -> None:
        line = {"key": _key(job()), "values": {"PSNR dB": math.nan}}
        (tmp_path / "measured.jsonl").write_text(json.dumps(line) + "\n")

    monkeypatch.setattr("latelier.bench.processes.run_all", diverged)
    assert spread([one["PSNR dB"] for one in here.measure([job()])["vae"]]) == "not finite"


def test_what_was_measured_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = bench(tmp_path)
    perform((here, [job("a")]))
    monkeypatch.setattr("latelier.bench.processes.run_all", None)  # would be called for anything that is not known yet
    found = here.measure([job("a"), job("b")])
    assert found["a"] == found["b"]
    assert found["a"][0]["PSNR dB"] > 0
    with pytest.raises(TypeError):
        here.measure([job(seed=1)])


def test_spread() -> None:
    assert spread([1.234]) == "1.23"
    assert spread([1.0, 2.0], 1) == "1.5 ± 0.7"
    assert spread([98.34, 99.02, 98.68]) == "98.7 ± 0.3"
    assert spread([2.0, 2.0]) == "2.00"
    assert spread([1.0, math.nan, 2.0], 1) == "1.5 ± 0.7 (2 of 3)"
    assert spread([math.inf]) == "not finite"


@pytest.mark.parametrize("name", sorted(list_recipes()))
def test_every_recipe_says_what_it_is(name: str) -> None:
    path = list_recipes()[name]
    words = ast.get_docstring(ast.parse(path.read_text())) or ""
    module = find_recipe(name)
    assert f"latelier reproduce {name}" in words
    assert isinstance(module.DATA, str)
    assert callable(module.reproduce)
    for value in getattr(module, "PUBLISHED", {}).values():
        assert np.isfinite(value).all()  # a figure, or one a column


def test_an_unknown_recipe_gets_the_nearest_name() -> None:
    with pytest.raises(Refusal, match='did you mean "lecture/ksparse-table"'):
        find_recipe("lecture/ksparse-tabel")


def test_a_recipe_runs_whole_and_goes_on_in_its_own_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = latelier.reproduce("lecture/filters-by-k", out=tmp_path / "lecture", data="digits", share=0.02)
    assert (out / "filters-by-k.png").stat().st_size > 1000
    assert "A rehearsal: trained for 0.02 times the recipe's epochs." in capsys.readouterr().out
    out = latelier.reproduce("lecture/two-points", out=tmp_path / "points")
    columns, *rows = json.loads((out / "two-points.json").read_text())
    assert columns[0] == "objective"
    assert float(rows[0][1]) == pytest.approx(0.925, abs=1e-3)  # facts: sigma .3
    assert rows[0][0] in (out / "two-points.txt").read_text()
    with pytest.raises(Refusal, match="name another folder"):
        latelier.reproduce("lecture/filters-by-k", out=tmp_path / "lecture", data="digits", share=0.5)
    with pytest.raises(Refusal, match="--size 4"):
        latelier.reproduce("lecture/filters-by-k", out=tmp_path / "lecture", data="digits", share=0.02, size=4)
    latelier.reproduce("lecture/two-points", out=tmp_path / "longer", share=2)
    assert "Trained for 2 times the recipe's epochs." in capsys.readouterr().out
    with pytest.raises(Refusal, match="--share 0 multiplies"):
        latelier.reproduce("lecture/two-points", out=tmp_path / "points", share=0)
