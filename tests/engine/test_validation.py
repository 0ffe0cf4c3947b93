"""What validation images say: which terms there are to choose a checkpoint by, and which is chosen."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made import folder
from torch import Generator

import latelier
from latelier.config.lookup import find_module, module_names
from latelier.core import Batch, Fits, Metric, Model, Progress
from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.data.subsets import hold_out
from latelier.engine import checkpoint
from latelier.engine.plan import Plan
from latelier.engine.validation import monitor_of, validate
from latelier.errors import Refusal
from latelier.runs.building import assemble
from latelier.runs.config import read_config
from latelier.runs.learning_curve import read_log
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.storage import json_records

TINY = {"settings": ["net=mlp", "net.widths=", "latent=2"], "data": "digits", "batch": 64, "quiet": True}


def test_an_unknown_metric_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match='--monitor label eror is no metric of this run; did you mean "label error'):
        latelier.train("vae", out=str(tmp_path / "run"), labels=5, validation=0.1, monitor="label eror", **TINY)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("share", [0.1, 0.0])
def test_the_refusal_says_which_way_each_metric_is_better(share: float, tmp_path: Path) -> None:
    """Also where there are no validation images, of which it would say more."""
    with pytest.raises(Refusal) as refused:
        latelier.train("vae", out=str(tmp_path / "run"), validation=share, monitor="nope", **TINY)
    lower = "distortion, rate, penalty, objective, loss, cross-validated label error %"
    ways = f"higher is better: elbo; lower is better: {lower}"
    assert str(refused.value) == f"--monitor nope is no metric of this run; {ways}"


@pytest.mark.parametrize("options", [{"monitor": "elbo"}, {"patience": 2}])
def test_what_needs_validation_images_is_refused_without_them(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"^--(monitor elbo|patience 2) needs validation images, .* digits "):
        latelier.train("vae", out=str(tmp_path / "run"), **options, **TINY)
    assert not (tmp_path / "run").exists()


def test_of_very_few_images_a_half_is_proposed_and_can_be_held_out(tmp_path: Path) -> None:
    folder(tmp_path / "pets", 3, "L", (8, 8))
    tiny = {**TINY, "data": str(tmp_path / "pets"), "monitor": "elbo"}
    with pytest.raises(Refusal, match=r"; give --validation 0\.5 to hold out half$"):
        latelier.train("vae", out=str(tmp_path / "run"), **tiny)
    latelier.train("vae", out=str(tmp_path / "run"), validation=0.5, steps=1, **tiny)


def test_patience_is_refused_where_validation_tells_nothing(tmp_path: Path) -> None:
    """A head alone learns nothing of images without a label: all validations were 0, and the run stopped."""
    tiny = {**TINY, "validation": 0.1, "patience": 1, "labels": 2, "steps": 30, "save_every": 0.25, "batch": 16}
    settings = {"net": "mlp", "net.widths": (4,), "latent": 2, "head.unlabelled": "consistent"}
    tiny |= {"images": 100, "settings": settings}
    with pytest.raises(
        Refusal, match=r"^--patience 1 stops a run .* classifier learns labels alone; add --monitor \"c"
    ):
        latelier.train("classifier", out=str(tmp_path / "run"), **tiny)
    assert not (tmp_path / "run").exists()
    monitor = "cross-validated label error %"
    latelier.train("classifier", out=str(tmp_path / "run"), monitor=monitor, **tiny)
    with pytest.raises(Refusal, match=r"learns labels alone; leave --patience out$"):  # of one nothing can be hidden
        latelier.train("classifier", out=str(tmp_path / "one"), monitor=monitor, **{**tiny, "labels": 1})
    settings.pop("head.unlabelled")
    latelier.train("vae", out=str(tmp_path / "images"), **tiny)  # of images it can tell


def test_a_models_directions_hold_inside_a_head_and_agree_with_its_own_metric() -> None:
    model = built("vae", head="softmax")
    assert monitor_of(model, held_digits(model), "elbo") == Metric("elbo", higher=True)
    assert monitor_of(model, held_digits(model), "label errors") == Metric("label errors")
    for name in module_names("latelier.models", "Model"):
        declared = find_module("latelier.models", name, "model", "Model").Model
        if not issubclass(declared, Fits):
            own = declared.monitor(SimpleNamespace(head=None))
            assert own.higher == (own.name in declared.higher), name


def test_the_checkpoint_with_the_fewest_label_errors_is_the_best(tmp_path: Path) -> None:
    run = latelier.train(
        "vae",
        out=str(tmp_path / "run"),
        epochs=2,
        labels=5,
        validation=0.1,
        monitor="label errors",
        save_every=0.25,
        rate=0.02,
        **TINY,
    )
    errors = {
        record["seen"]: record["validation"]["label errors"] for record in read_log(run) if "validation" in record
    }
    assert len(set(errors.values())) > 1
    assert errors[checkpoint.best(run).seen] == min(errors.values())


def test_errors_are_wrong_answers_to_known_labels_and_cost_training_nothing() -> None:
    model, _ = assemble(
        "vae", (1, 8, 8), tuple("abc"), {"net": "mlp", "net.widths": "", "latent": 2, "head": "softmax"}
    )
    with torch.no_grad():
        model.head.linear.weight.zero_()
        model.head.linear.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))  # whatever the code: b
    none = torch.zeros(4, 0, dtype=torch.int64)
    batch = Batch(torch.rand(4, 1, 8, 8), torch.arange(4), torch.tensor([0, 1, 2, -1]), none, none)
    (move,) = model.moves()
    assert "label errors" not in move(batch, Progress(0, 1, Generator())).report
    model.eval()
    assert move(batch, Progress(0, 1, Generator())).report["label errors"].tolist() == [1, 0, 1, 0]


def test_terms_that_need_a_gradient_are_judged_without_a_warning(tmp_path: Path) -> None:
    settings = ["net=dense", "net.widths=8", "latent=2", "paired=true", "critic.r1=0.1"]
    run = latelier.train("ali", out=str(tmp_path / "run"), epochs=0.1, validation=0.1, **TINY | {"settings": settings})
    (last,) = [record["validation"] for record in read_log(run) if "validation" in record][-1:]
    assert last["slope"] > 0


def held_digits(model: Model, labels: bool = True) -> Batches:
    images = open_images("digits", split="train").take(np.arange(60))
    if not labels:
        images = replace(images, label=np.full(60, -1))
    return Batches(images, 20, seed=0, device=torch.device("cpu"))


def built(name: str, **settings: object) -> Model:
    return assemble(name, (1, 8, 8), tuple("0123456789"), {"net": "mlp", "net.widths": (8,), "latent": 2, **settings})[
        0
    ]


def test_a_warm_up_does_not_flatter_the_checkpoints_before_it() -> None:
    """At the weights of the moment a penalty that begins at 0 costs nothing, and the first checkpoint looks best."""
    model = built("vae", penalty="beta", **{"penalty.weight": 4.0, "penalty.warmup": 10_000})
    values = validate(model, model.moves(), held_digits(model), Plan(total=20_000, batch=20))
    assert values["penalty"] == pytest.approx(4 * values["rate"], rel=1e-5)
    assert values["objective"] == pytest.approx(values["distortion"] + values["penalty"], rel=1e-5)


def test_heads_are_judged_by_their_error_where_labels_are_known_and_by_the_model_where_not() -> None:
    model = built("vae", head="softmax")
    assert monitor_of(model, held_digits(model), None) == Metric("label error %")
    assert monitor_of(model, held_digits(model, labels=False), None) == model.inner.monitor()
    values = validate(model, model.moves(), held_digits(model), Plan(total=100, batch=20))
    assert values["label error %"] == pytest.approx(100 * values["label errors"])


def test_a_label_error_is_of_labelled_images_alone() -> None:
    model = built("vae", head="softmax")
    assert model.measures({"distortion": 1.0, "penalty": 0.0, "label errors": 0.1, "labelled": 0.2}) == {
        "objective": 1.0,
        "label error %": 50.0,
    }


def test_a_game_is_not_judged_by_its_loss() -> None:
    for name in module_names("latelier.models", "Model"):
        module = find_module("latelier.models", name, "model", "Model")
        if not issubclass(module.Model, Fits):
            assert module.Model.monitor is not Model.monitor, f"{name} declares no metric"


def test_more_is_better_where_a_metric_says_so(tmp_path: Path) -> None:
    settings = {"data": "digits", "validation": 0.2, "batch": 64, "steps": 40, "save_every": 0.2, "quiet": True}
    run = latelier.train("vae", out=tmp_path / "run", monitor="elbo", settings=TINY["settings"], **settings)
    bounds = {r["seen"]: r["validation"]["elbo"] for r in read_log(run) if "validation" in r}
    assert len(bounds) > 2
    assert bounds[checkpoint.best(run).seen] == max(bounds.values())


def test_a_tenth_of_a_folder_is_held_out_and_is_what_scores_see(made_folder: Path, tmp_path: Path) -> None:
    run = latelier.train("pca", data=made_folder, out=tmp_path / "run", settings={"latent": 2}, quiet=True)
    opened = open_run(run)
    splits = opened.splits(None, Where())
    _, held = hold_out(40, 0.1, 0)
    assert len(splits.test) == 4
    assert not splits.seen
    whole = open_images(made_folder)
    assert list(splits.test.names) == [whole.names[row] for row in held]
    assert not set(splits.test.names) & set(splits.fit.names)
    assert opened.config["data"]["images"] == 36


def test_another_seed_holds_out_the_same_images(made_folder: Path, tmp_path: Path) -> None:
    names = []
    for seed in (0, 1):
        run = latelier.train(
            "pca", data=made_folder, out=tmp_path / f"{seed}", seed=seed, settings={"latent": 2}, quiet=True
        )
        names.append(list(open_run(run).splits(None, Where()).test.names))
    assert names[0] == names[1]


def test_a_validation_split_of_the_source_is_used_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split, count in (("train", 30), ("validation", 10), ("test", 6)):
        folder(tmp_path / "data" / split, count, "L", (8, 8))
    run = latelier.train(
        "vae", data=tmp_path / "data", out=tmp_path / "run", steps=4, batch=8, settings=TINY["settings"], quiet=True
    )
    opened = open_run(run)
    assert opened.config["data"]["held_out"] == {"split": "validation"}
    assert opened.config["data"]["images"] == 30
    assert any("validation" in record for record in opened.log)
    assert len(opened.splits(None, Where()).test) == 6
    given = {"data": tmp_path / "data", "batch": 8, "settings": TINY["settings"]}
    latelier.train("vae", **given, out=tmp_path / "other", steps=4, validation=0.2)
    assert "--validation 0.2: the validation split of" in capsys.readouterr().err


def test_of_a_source_with_a_training_split_alone_a_tenth_is_held_out(tmp_path: Path) -> None:
    """A tenth of what is trained on: there is nothing else that a score could be of."""
    folder(tmp_path / "data" / "train", 40, "L", (8, 8))
    run = latelier.train("pca", data=tmp_path / "data", out=tmp_path / "run", settings={"latent": 2}, quiet=True)
    opened = open_run(run)
    splits = opened.splits(None, Where())
    assert (len(splits.test), splits.seen, opened.config["data"]["images"]) == (4, False, 36)
    assert not set(splits.test.names) & set(splits.fit.names)


def test_a_run_resumed_holds_out_what_it_held_out_before(tmp_path: Path) -> None:
    """Runs of earlier versions held out nothing of a training split without others."""
    folder(tmp_path / "data" / "train", 40, "L", (8, 8))
    asked = {"settings": TINY["settings"], "batch": 8, "quiet": True}
    run = latelier.train("vae", data=tmp_path / "data", out=tmp_path / "run", steps=2, validation=0.0, **asked)
    config = read_config(run / "config.json")
    config["request"]["validation"] = None
    json_records.write(run / "config.json", config)
    latelier.train(out=run, resume=True, steps=4, quiet=True)
    assert read_config(run / "config.json")["data"]["images"] == 40


@pytest.fixture
def made_folder(tmp_path: Path) -> Path:
    folder(tmp_path / "images", 40, "L", (8, 8))
    return tmp_path / "images"


def test_a_run_of_an_earlier_version_is_measured_on_what_it_held_out(made_folder: Path, tmp_path: Path) -> None:
    asked = {"settings": {"latent": 2}, "validation": 0.25, "seed": 3, "quiet": True}
    run = latelier.train("pca", data=made_folder, out=tmp_path / "run", **asked)
    config = read_config(run / "config.json")
    names = list(open_run(run).splits(None, Where()).test.names)
    del config["data"]["held_out"]
    json_records.write(run / "config.json", config)
    assert list(open_run(run).splits(None, Where()).test.names) == names
    assert len(names) == 10
