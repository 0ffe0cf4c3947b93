import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from commands import Captured
from made import folder

import latelier
from latelier.bench.few_labels import Trial, accuracy
from latelier.data.augment import Augment
from latelier.data.batches import Batches
from latelier.errors import Refusal
from latelier.runs.learning_curve import read_log
from latelier.runs.run import Run

SMALL: dict[str, dict[str, Any]] = {
    "vae": {"net": "mlp", "net.widths": (8,), "latent": 2},
    "hali": {"levels": (4, 8), "net.channels": 4, "net.hidden": 8},
    "dcgan": {"net": "dense", "net.widths": (8,), "latent": 2},
    "classifier": {"net": "mlp", "net.widths": (8,)},
}


@pytest.mark.parametrize(
    ("model", "more", "head"),
    [
        ("vae", {}, {"kind": "softmax", "labelled": 0.5}),
        ("vae", {"head": "none"}, None),
        ("vae", {"head.labelled": 0.25}, {"kind": "softmax", "labelled": 0.25}),
        ("hali", {}, {"kind": "softmax", "labelled": 0.1, "weight": 1.0}),
        ("dcgan", {}, None),  # encodes nothing
        ("classifier", {}, None),  # learns from labels anyway
        (
            "classifier",
            {"head.unlabelled": "consistent"},
            {"kind": "softmax", "weight": 1.0, "labelled": 0.125, "rounds": [0.0, 0.1, 0.3, 0.6]},
        ),
    ],
)
def test_labels_bring_a_label_head_unless_one_is_named(
    model: str, more: dict[str, Any], head: dict[str, Any] | None, tmp_path: Path
) -> None:
    settings = {**SMALL[model], **more}
    run = latelier.train(
        model,
        data="digits",
        out=tmp_path / "run",
        labels=2,
        images=100,
        epochs=1,
        batch=50,
        settings=settings,
        quiet=True,
    )
    found = json.loads((run / "config.json").read_text())
    assert found["data"]["labelled"] == 20
    kept = found["model"]["head"]
    assert kept is None if head is None else head.items() <= kept.items()


def test_changes_of_images_are_trained_with_and_kept(tmp_path: Path) -> None:
    options: dict[str, Any] = {"data": "digits", "images": 100, "batch": 50, "steps": 4, "quiet": True}
    changes = {"affine": 1.0, "cutout": 0.3, "colour": 0.5}
    losses = []
    for name, more in (("plain", {}), ("changed", changes), ("again", changes)):
        run = latelier.train("vae", out=tmp_path / name, settings=SMALL["vae"], **options, **more)
        losses.append([record["terms"] for record in read_log(run) if "terms" in record])
    assert losses[0] != losses[1] == losses[2]
    request = json.loads((tmp_path / "changed" / "config.json").read_text())["request"]
    assert {name: request[name] for name in changes} == changes


def test_what_is_fitted_without_the_trainer_says_that_it_changes_no_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latelier.train("pca", data="digits", images=100, out=tmp_path / "run", affine=1, flip=True)
    assert "in closed form, which has no length: --flip, --affine have no effect" in capsys.readouterr().err


def test_what_is_fitted_without_steps_says_so_and_where_its_length_is_set(tmp_path: Path, capsys: Captured) -> None:
    options: dict[str, Any] = {"data": "digits", "images": 100}
    latelier.train("pca", out=tmp_path / "pca", steps=5, **options)
    assert "pca is fitted in closed form, which has no length: --steps has no effect\n" in capsys.readouterr().err
    latelier.train("rbm", out=tmp_path / "rbm", epochs=5, settings={"units": 4, "epochs": 1}, **options)
    assert "rbm is fitted by scikit-learn, for as long as --set epochs=N says: --epochs" in capsys.readouterr().err


def test_a_trial_changes_its_images_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    class Kept(Batches):
        def __init__(self, *given: Any, **more: Any):
            found.append(more["augment"])
            super().__init__(*given, **more)

    monkeypatch.setattr("latelier.data.batches.Batches", Kept)
    settings = {**SMALL["vae"], "head": "softmax"}
    trial = Trial("row", "vae", settings, labels=1, draw=0, images=128, data="digits", shift=1, affine=0.5, cutout=0.2)
    assert 0 <= accuracy(trial) <= 1
    assert found == [Augment(shift=1, affine=0.5, cutout=0.2)]


def test_images_that_are_gone_at_the_end_end_no_training(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "splits", Mock(side_effect=Refusal("they are gone")))
    pets = folder(tmp_path / "pets", 4, "L", size=(8, 8))
    run = latelier.train("vae", data=pets, out=tmp_path / "run", steps=1, batch=4, settings=SMALL["vae"])
    assert "no verdict: they are gone" in capsys.readouterr().err
    assert not (run / "verdict.json").exists()
