"""Training on a labels file, and what the run keeps of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import folder

import latelier
from latelier.errors import Refusal
from latelier.runs.config import read_config
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.storage import json_records
from latelier.training.unlabelled import unlabelled_pay

TINY: dict[str, Any] = {"settings": ["net=mlp", "net.widths=4", "latent=2"], "batch": 4, "quiet": True}
LABELS = "file,class\n" + "".join(f"pets/{i:03}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(8))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with twelve images in pets/, of which labels.csv labels eight."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "here"
    folder(place / "pets", 12, "L", (8, 8))
    (place / "labels.csv").write_text(LABELS)
    monkeypatch.chdir(place)
    return place


def trained(**more: Any) -> dict[str, Any]:
    """The run's config.json."""
    given = {"data": "pets", "labels_file": "labels.csv", "out": "run", "steps": 2, **TINY, **more}
    found: dict[str, Any] = json.loads((latelier.train("vae", **given) / "config.json").read_text())
    return found


def resumed(steps: int, **more: Any) -> None:
    latelier.train(out="run", resume=True, steps=steps, quiet=True, **more)


def test_labels_of_some_bring_a_label_head_and_are_what_it_learns_from(here: Path) -> None:
    config = trained()
    assert config["data"]["labelled"] == 8
    assert config["model"]["head"]["kind"] == "softmax"
    assert config["model"]["classes"] == ["cat", "dog"]
    run = open_run("run")
    images = run.images("pets", Where())
    assert images.label.tolist() == [1, 0] * 4 + [-1] * 4
    splits = run.splits("pets", Where())
    assert splits.labels_learned == 8
    assert trained(out="bare", settings=[*TINY["settings"], "head=none"])["model"]["head"] is None


def test_labels_beside_some_of_the_images_bring_the_same_head_as_a_labels_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = trained()["model"]
    (here / "labels.csv").unlink()
    beside = "file,label\n" + "".join(f"{i:03}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(8))
    (here / "pets" / "labels.csv").write_text(beside)
    found = trained(labels_file=None, out="beside", quiet=False)
    assert found["model"] == asked
    assert found["model"]["head"]["unlabelled"] == "consistent"
    said = "8 of the 12 images that are trained on have a class, so a label head learns them (--set head=none"
    assert said in capsys.readouterr().err
    bare = trained(labels_file=None, out="bare", quiet=False, settings=[*TINY["settings"], "head=none"])
    assert bare["model"]["head"] is None
    assert "a label head learns" not in capsys.readouterr().err


@pytest.mark.parametrize(("labelled", "classes"), [(12, 2), (8, 1)])
def test_labels_of_all_images_or_of_one_class_bring_no_head(here: Path, labelled: int, classes: int) -> None:
    rows = "".join(f"{i:03}.png,class {i % classes}\n" for i in range(labelled))
    (here / "pets" / "labels.csv").write_text(f"file,label\n{rows}")
    assert trained(labels_file=None)["model"]["head"] is None


def test_a_run_begun_without_a_head_goes_on_without(here: Path) -> None:
    (here / "pets" / "labels.csv").write_text("file,label\n000.png,a\n001.png,b\n")
    trained(labels_file=None, settings=[*TINY["settings"], "head=none"])
    config = read_config(Path("run/config.json"))
    config["request"]["settings"] = TINY["settings"]  # as earlier versions wrote it
    json_records.write(Path("run/config.json"), config)
    resumed(4)
    assert json.loads(Path("run/config.json").read_text())["model"]["head"] is None


def test_a_label_a_class_is_spread_by_pixels_first(here: Path) -> None:
    assert trained()["model"]["head"]["rounds"] == [0.0, 0.1, 0.3, 0.6]


def test_of_a_labels_file_as_many_a_class_may_be_kept(here: Path) -> None:
    config = trained(labels=2)
    assert config["data"]["labelled"] == 4
    assert open_run("run").splits("pets", Where()).labels_learned == 4


def test_images_of_elsewhere_keep_their_own_classes(here: Path) -> None:
    """Though they have the same names."""
    trained()
    folder(here / "others" / "pets", 3, "L", (8, 8))
    assert open_run("run").images("others/pets", Where()).label.tolist() == [-1] * 3


def test_the_runs_images_are_known_wherever_they_and_it_are(here: Path) -> None:
    trained()
    (here / "run").rename(here / "moved")
    (here / "pets").rename(here / "animals")
    (here / "labels.csv").unlink()
    images = open_run("moved").images("animals", Where())
    assert (images.label >= 0).sum() == 8
    assert images.fingerprint == open_run("moved").config["data"]["fingerprint"]
    assert images.remarks[-1] == "moved/labels.csv says the classes of 8 of 12 images"


def test_a_resumed_run_goes_by_its_copy(here: Path) -> None:
    trained()
    resumed(4)
    (here / "labels.csv").write_text(LABELS.replace("file,class", "Name,Label") + "\n")  # says the same
    resumed(6)
    (here / "labels.csv").unlink()
    resumed(8)
    assert open_run("run").seen == 8 * 4


def test_a_file_that_says_otherwise_is_refused_on_a_resume(here: Path) -> None:
    trained()
    (here / "labels.csv").write_text(LABELS + "008.png,cat\n")
    with pytest.raises(Refusal, match=r"^labels.csv gives other classes than when run was begun with it \(run/labels"):
        resumed(4)
    with pytest.raises(Refusal, match=r"--labels-file was labels.csv in run and is other.csv now"):
        resumed(4, labels_file="other.csv")
    (here / "labels.csv").write_text(LABELS)
    resumed(4)
    assert open_run("run").seen == 4 * 4


def test_a_run_begun_without_is_not_resumed_with_one(here: Path) -> None:
    trained(labels_file=None)
    config = read_config(Path("run/config.json"))
    del config["request"]["labels_file"]  # as earlier versions wrote it
    json_records.write(Path("run/config.json"), config)
    with pytest.raises(Refusal, match=r"--labels-file was None in run and is labels.csv now"):
        resumed(4, labels_file="labels.csv")
    resumed(4)
    assert open_run("run").seen == 4 * 4


@pytest.mark.parametrize("text", ["", "file,class\n000.png,a\n000.png,b\n", "\0", "file,class\n" + "x" * 200_000])
def test_a_damaged_copy_is_refused_in_one_line(here: Path, text: str) -> None:
    trained()
    Path("run/labels.csv").write_text(text)
    with pytest.raises(Refusal, match=r"run/labels.csv") as refusal:
        open_run("run").images("pets", Where())
    assert "\n" not in str(refusal.value)


def test_a_class_of_which_all_labels_are_held_out_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(here / "pets", 30, "L", (8, 8))
    trained(out="before", validation=0.3)
    held = np.setdiff1d(np.arange(30), _rows(30, 0.3))
    Path("labels.csv").write_text(LABELS + "".join(f"{row:03}.png,emu\n" for row in held if row >= 8))
    trained(validation=0.3, quiet=False)
    assert "no image that is trained on is labelled emu: label more, or hold none out" in capsys.readouterr().err


def _rows(count: int, share: float) -> np.ndarray:
    from latelier.data.subsets import hold_out

    return hold_out(count, share, 0)[0]


@pytest.mark.parametrize(("labels", "share"), [(1, 0.125), (100, 0.125), (200, 0.2), (500, 0.5), (10_000, 0.5)])
def test_more_labels_have_more_of_a_batch_up_to_half(labels: int, share: float) -> None:
    settings = unlabelled_pay("classifier", labels, 10, 32, {"head.unlabelled": "consistent"})
    assert settings["head.labelled"] == share
    assert "head.labelled" not in unlabelled_pay("vae", labels, 10, 32, {})
    words = unlabelled_pay("classifier", labels, 10, 32, {"head.unlabelled": "words"})
    assert words["head.labelled"] == max(0.125, share / 2 if labels < 1000 else 0.5)
    assert "head.rounds" not in words
    given = {"head.unlabelled": "consistent", "head.labelled": 0.3}
    assert unlabelled_pay("classifier", labels, 10, 32, given)["head.labelled"] == 0.3


@pytest.mark.parametrize("given", [{"labels": 2}, {"labels_file": "labels.csv"}])
def test_how_many_guesses_are_right_is_told_only_where_labels_were_hidden(here: Path, given: dict[str, Any]) -> None:
    settings = ["net.channels=4", "latent=2", "head.threshold=0.4"]
    if "labels" in given:
        for number, path in enumerate(sorted((here / "pets").glob("*.png"))):
            kind = here / "pets" / ("dog", "cat")[number % 2]
            kind.mkdir(exist_ok=True)
            path.rename(kind / path.name)
    run = latelier.train(
        "vae", data="pets", out="run", steps=2, batch=8, validation=0.0, quiet=True, settings=settings, **given
    )
    terms = [record["terms"] for record in open_run(run).log if "terms" in record]
    assert all("pseudo kept" in term for term in terms)
    assert all(("pseudo right" in term) == ("labels" in given) for term in terms)


def test_where_every_image_is_labelled_all_of_a_batch_is_and_a_label_counts_once(here: Path) -> None:
    whole = "".join(f"pets/{i:03}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(12))
    Path("all.csv").write_text(f"file,class\n{whole}")
    tiny = [*TINY["settings"], "head=softmax"]
    shares = {
        "all": trained(out="all", labels_file="all.csv", settings=tiny),
        "some": trained(out="some", settings=tiny),
        "said": trained(out="said", labels_file="all.csv", settings=[*tiny, "head.labelled=0.25"]),
    }
    found = {name: config["model"]["head"]["labelled"] for name, config in shares.items()}
    assert found == {"all": 1.0, "some": 0.5, "said": 0.25}
    heads: dict[str, Any] = {name: open_run(name).model for name in shares}
    assert heads["all"].head.labelled == 1.0
    assert open_run(latelier.train(out="all", resume=True, steps=3, quiet=True)).model.head.labelled == 1.0  # type: ignore
