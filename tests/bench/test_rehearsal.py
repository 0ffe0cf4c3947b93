"""A rehearsal: what it shortens, and that every recipe runs."""

import re
from pathlib import Path

import numpy as np
import pytest

import latelier
from latelier.bench.jobs import Bench, Job
from latelier.bench.rehearsal import BATCH, FIT, GREY, SIDE, STEPS, TEST, few, stand_in
from latelier.config.recipes import known_of, list_recipes
from latelier.data.drawn.scenes import draw_scenes
from latelier.errors import Refusal
from latelier.runs.where import Where
from latelier.scores.common import Splits


def test_embedded_images_stand_in_for_what_has_to_be_fetched() -> None:
    assert [stand_in(name) for name in ("mnist", "binarized-mnist", "cifar100", "captioned")] == [
        "digits",
        "digits",
        "scenes",
        "scenes",
    ]
    assert [stand_in(name) for name in ("digits", "sprites", "mixture")] == ["digits", "sprites", "mixture"]


def test_a_training_is_a_few_steps_on_few_images_of_the_size_that_nets_were_made_for() -> None:
    bench = Bench(Path("nowhere"), "digits", Where(), share=0.01, rehearsed="mnist")
    job = Job("a", "vae", epochs=90, training={"images": 500, "labels": 300, "batch": 128, "validation": 0.1})
    given = bench.arguments(job)
    assert (given["epochs"], given["steps"], given["size"], given["data"]) == (None, STEPS, GREY, "digits")
    assert (given["images"], given["labels"], given["batch"], given["validation"]) == (FIT, BATCH, BATCH, 0.1)
    scenes = Bench(Path("nowhere"), "scenes", Where(), share=0.01, rehearsed="imagenet")
    assert scenes.arguments(Job("a", "vae", training={"size": 224}))["size"] == SIDE
    assert scenes.arguments(Job("a", "vae"))["size"] is None
    assert list(scenes.some((1, 2, 3))) == [1]
    assert list(Bench(Path("nowhere"), "scenes", Where()).some((1, 2, 3))) == [1, 2, 3]


def test_few_images_are_those_whose_labels_the_model_knows_and_others() -> None:
    fit = draw_scenes(2 * FIT)
    known = np.array([3, 2 * FIT - 1])
    found = few(Splits(fit, draw_scenes(2 * TEST, seed=1), labelled_rows=known))
    assert (len(found.fit), len(found.test)) == (FIT, TEST)
    assert found.labelled_rows is not None
    assert [found.fit.names[row] for row in found.labelled_rows] == [fit.names[row] for row in known]
    assert found.learned_rows is None
    alone = few(Splits(fit.take(known), fit.take(known)))
    assert (len(alone.fit), len(alone.test)) == (2, 2)


def test_the_list_says_data_hours_and_state_of_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert latelier.reproduce(listed=True) is None
    said = capsys.readouterr().out
    for name, known in known_of().items():
        (line,) = [line for line in said.splitlines() if line.startswith(f"{name} ")]
        assert re.fullmatch(r"~?\d+(\.\d+)?", known["HOURS"]), name
        assert line.split()[1:3] == [known["DATA"], known["HOURS"]]
        assert known["STATE"] in line
    assert "~: estimated" in said
    with pytest.raises(Refusal, match="--list is of all recipes"):
        latelier.reproduce("lecture/manifold", listed=True)


def test_a_rehearsal_claims_nothing_and_is_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = latelier.reproduce("lecture/manifold", out=tmp_path / "runs", rehearse=True)
    assert (out / "manifold.png").exists()
    assert "Rehearsed on digits for two steps a training" in capsys.readouterr().out
    with pytest.raises(Refusal, match="--rehearse is shorter than any share"):
        latelier.reproduce("lecture/manifold", out=tmp_path / "runs", rehearse=True, share=0.5)
    with pytest.raises(Refusal, match="name another folder"):
        latelier.reproduce("lecture/manifold", out=tmp_path / "runs", data="digits", share=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(list_recipes()))
def test_every_recipe_can_be_rehearsed(name: str, tmp_path: Path) -> None:
    out = latelier.reproduce(name, out=tmp_path / "runs", rehearse=True)
    assert any(out.glob(f"{Path(name).name}.*"))
