"""Checkpoints chosen by the training's own labels, each hidden once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from launched import two_processes
from safetensors.torch import load_file

import latelier
from latelier.core import Metric
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.data.subsets import hide_labels
from latelier.engine import checkpoint, label_error
from latelier.errors import Refusal
from latelier.heads.reading import codes_of
from latelier.learners.propagation import cross_validated, neighbours_graph
from latelier.runs.building import assemble
from latelier.runs.learning_curve import read_log
from latelier.runs.run import open_run

NAME = label_error.METRIC.name
SETTINGS = ["net=mlp", "net.widths=16", "latent=4"]
TINY: dict[str, Any] = {
    **{"data": "digits", "batch": 32, "steps": 40, "save_every": 0.25, "keep": 99, "precision": "fp32", "quiet": True},
    **{"images": 300, "monitor": NAME, "settings": SETTINGS},
}


def scores(run: Path) -> dict[int, float]:
    """The metric by images seen."""
    records = [record for record in read_log(run) if "validation" in record]
    return {record["seen"]: record["validation"][NAME] for record in records}


@pytest.mark.parametrize(("head", "validation"), [("none", 0.1), ("none", 0.0), ("softmax", 0.1)])
def test_two_labels_a_class_choose_the_checkpoint_and_are_all_learned_from(
    head: str, validation: float, tmp_path: Path
) -> None:
    given = {**TINY, "settings": [*SETTINGS, f"head={head}"]}
    run = latelier.train("vae", out=tmp_path / "run", labels=2, validation=validation, **given)
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["labelled"] == 20
    assert config["plan"]["monitor"][:2] == [NAME, False]
    found = scores(run)
    assert len(found) > 5
    assert len(set(found.values())) > 1
    assert all(0 <= error <= 100 for error in found.values())
    assert found[checkpoint.best(run).seen] == min(found.values())


def test_one_label_a_class_is_said_to_be_too_few_and_the_default_metric_chooses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = latelier.train("vae", out=tmp_path / "run", labels=1, validation=0.1, **{**TINY, "quiet": False})
    said = f"--monitor {NAME} needs two labels of some class to hide one of them, and there are none: checkpoints are"
    assert capsys.readouterr().err.count(said) == 1
    assert open_run(run).config["plan"]["monitor"][:2] == ["objective", False]
    with pytest.raises(KeyError):
        scores(run)


def test_what_encodes_nothing_cannot_be_judged_by_codes(tmp_path: Path) -> None:
    given = {**TINY, "settings": ["net=dense", "net.widths=8", "latent=2"]}
    with pytest.raises(Refusal, match=f"--monitor {NAME} reads codes, but dcgan encodes no images; ask for another"):
        latelier.train("dcgan", out=tmp_path / "run", labels=2, **given)
    assert not (tmp_path / "run").exists()


def test_validations_hidden_labels_stay_hidden(tmp_path: Path) -> None:
    run = latelier.train("vae", out=tmp_path / "run", labels=2, validation=0.1, **TINY)
    last = [record["validation"] for record in open_run(run).log if "validation" in record][-1]
    assert last["labelled"] == 0


def test_a_run_in_two_halves_is_judged_as_one(tmp_path: Path) -> None:
    whole, half = (latelier.train("vae", out=tmp_path / name, labels=2, **TINY) for name in ("whole", "half"))
    for found in checkpoint.checkpoints(half):
        if found.seen > 20 * 32:
            found.weights.unlink()
            found.state.unlink()
    latelier.train(out=half, resume=True, quiet=True)
    assert scores(half) == scores(whole)
    ends = [checkpoint.checkpoints(run)[-1] for run in (whole, half)]
    assert ends[0].score == ends[1].score is not None
    one, other = ({**load_file(end.weights), **load_file(end.state)} for end in ends)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_two_processes_judge_as_one(tmp_path: Path) -> None:
    options = {name: value for name, value in TINY.items() if name not in ("settings", "quiet")}
    one = latelier.train("vae", out=tmp_path / "one", settings=SETTINGS, quiet=True, parts=2, labels=2, **options)
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    given = ["--out", str(tmp_path / "two"), "--set", *SETTINGS, "--labels", "2", "--parts", "2", *words]
    said = two_processes("-m", "--", "latelier", "train", "vae", *given)  # or the launcher reads --monitor
    assert said.returncode == 0, said.stderr
    assert list(scores(tmp_path / "two").values()) == pytest.approx(list(scores(one).values()), abs=1e-6)


@pytest.fixture(scope="module")
def digits() -> Images:
    return hide_labels(open_images("digits", split="train").take(np.arange(400)), 5, seed=0)


@pytest.mark.parametrize("prior", [(), (2.0, *[1.0] * 9)])
def test_the_metric_is_that_of_the_graph_of_codes(digits: Images, prior: tuple[float, ...]) -> None:
    head = {"kind": "softmax", "unlabelled": "consistent", "prior": prior}
    torch.manual_seed(0)
    model, _ = assemble("vae", (1, 8, 8), digits.classes, {"net": "mlp", "head": head})
    batches = Batches(digits, 20, seed=0, device=torch.device("cpu"))
    with torch.no_grad():
        graph = neighbours_graph(codes_of(model.eval(), batches, torch.arange(400)))
    error = cross_validated(graph, digits.label, 10, prior=np.array(prior) if prior else None)
    assert label_error.measured(model.train(), batches) == {NAME: error}
    assert model.training


def test_of_many_images_a_bounded_number_is_looked_at(digits: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(label_error, "LABELLED", 30)
    monkeypatch.setattr(label_error, "OTHERS", 100)
    monkeypatch.setattr(label_error, "codes_of", lambda model, batches, rows: seen.append(rows) or np.eye(len(rows)))
    model, _ = assemble("vae", (1, 8, 8), digits.classes, {"net": "mlp"})
    label_error.measured(model, Batches(digits, 20, seed=0, device=torch.device("cpu")))
    (rows,) = seen
    assert len(rows) == 130
    assert (digits.label[rows.numpy()] >= 0).sum() == 30


def test_less_of_it_is_better() -> None:
    assert Metric("cross-validated label error %") == label_error.METRIC
