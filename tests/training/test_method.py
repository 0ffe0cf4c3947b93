"""Which method a training has that names none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import folder

import latelier
from latelier.data.images import Images
from latelier.engine import checkpoint
from latelier.training.method import choose, coloured

TINY: dict[str, Any] = {"steps": 2, "batch": 4}
SMALL = ["net.channels=4", "latent=2"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with twelve images in pets/."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    folder(tmp_path / "pets", 12, "L", (8, 8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labels(count: int) -> None:
    rows = "".join(f"{i:03}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(count))
    Path("labels.csv").write_text(f"file,class\n{rows}")


def config(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(out) / "config.json").read_text())
    return found


@pytest.mark.parametrize(
    ("labelled", "count", "classes", "model", "unlabelled"),
    [
        (100, 1797, 10, "classifier", "consistent"),
        (4, 9, 2, "classifier", "consistent"),
        (899, 1797, 10, "classifier", None),
        (1797, 1797, 10, "classifier", None),
        (0, 1797, 0, "vae", None),
        (1797, 1797, 1, "vae", None),
    ],
)
def test_labels_decide(labelled: int, count: int, classes: int, model: str, unlabelled: str | None) -> None:
    choice = choose(labelled, count, classes)
    assert (choice.model, choice.settings.get("head.unlabelled")) == (model, unlabelled)


def test_few_labels_of_photographs_are_spread_by_words() -> None:
    assert choose(100, 1797, 10, coloured=True).settings == {"head.unlabelled": "words"}
    assert choose(899, 1797, 10, coloured=True).settings == {}


@pytest.mark.parametrize(
    ("channels", "side", "tint", "expected"),
    [(3, 24, 0.2, True), (3, 24, 0.0, False), (3, 16, 0.2, False), (1, 24, 0.0, False)],
)
def test_images_are_in_colour_where_their_channels_differ(
    channels: int, side: int, tint: float, expected: bool
) -> None:
    grey = np.random.default_rng(0).integers(0, 200, (30, side, side, 1), np.uint8)
    pixels = np.repeat(grey, channels, 3) + np.array([0, 0, round(255 * tint)], np.uint8)[:channels]
    images = Images(pixels, np.zeros(30, np.int64), np.empty((30, 0), np.int8), [[]] * 30, [""] * 30)
    assert coloured(images) is expected


def test_a_few_labels_need_no_method(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels(4)
    latelier.train(data="pets", labels_file="labels.csv", out="run", settings=SMALL, **TINY)
    said = (
        "no method was named: classifier, whose label head learns from 4 labels and from the 8 images without one "
        "(head.unlabelled=consistent); "
    )
    assert said in capsys.readouterr().err
    found = config("run")
    assert found["model"]["model"] == found["request"]["model"] == "classifier"
    assert found["model"]["head"]["unlabelled"] == "consistent"
    assert found["request"]["settings"] == ["head.unlabelled=consistent", *SMALL]


def test_labels_that_are_hidden_count_as_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels(12)
    given: dict[str, Any] = {"data": "pets", "labels_file": "labels.csv", **TINY}
    latelier.train(out="run", labels=1, settings=SMALL, **given)
    assert "2 labels and from the 10 images" in capsys.readouterr().err
    latelier.train(out="all", settings=SMALL, **given)
    assert "classifier, since 12 of 12 images have one of 2 classes" in capsys.readouterr().err
    assert config("all")["model"]["model"] == "classifier"


def test_without_labels_it_learns_all_the_same_and_says_what_to_give(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latelier.train(data="pets", out="run", settings={"latent": 2}, **TINY)
    assert "vae, since no labels say what to recognise; for classes give --labels-file" in capsys.readouterr().err
    assert config("run")["request"]["settings"] == {"latent": 2}


@pytest.mark.parametrize("given", [{"labels_file": "labels.csv"}, {"labels_file": "labels.csv", "labels": 2}, {}])
def test_labels_of_one_class_are_said_to_be_so(
    here: Path, capsys: pytest.CaptureFixture[str], given: dict[str, Any]
) -> None:
    Path("labels.csv").write_text("file,class\n" + "".join(f"{i:03}.png,cat\n" for i in range(4)))
    Path("pets/labels.csv").write_text("file,label\n" + "".join(f"{i:03}.png,cat\n" for i in range(4)))
    latelier.train(data="pets", out="run", settings={"latent": 2}, **given, **TINY)
    assert (
        f"no method was named: vae, without a label head, since there is one class alone ({given.get('labels', 4)} "
        "labels) and it takes two to tell apart; label images of another as well; latelier models lists others\n"
    ) in capsys.readouterr().err
    assert config("run")["model"]["head"] is None


def test_what_was_chosen_may_be_overruled(here: Path) -> None:
    labels(4)
    latelier.train(data="pets", labels_file="labels.csv", out="run", quiet=True, settings={"head": "none"}, **TINY)
    assert config("run")["model"]["head"] is None


def test_larger_images_are_scaled_unless_a_size_is_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(here / "large", 12, "L", (80, 96))
    latelier.train(data="large", out="run", settings=SMALL, **TINY)
    assert "images are scaled to 64 px, --size N chooses another" in capsys.readouterr().err
    assert (config("run")["data"]["shape"], config("run")["request"]["size"]) == ([1, 64, 64], 64)
    latelier.train(data="large", out="own", size=72, settings=SMALL, **TINY)
    assert "are scaled" not in capsys.readouterr().err
    assert config("own")["data"]["shape"] == [1, 72, 72]
    latelier.train("vae", data="large", out="named", quiet=True, settings=SMALL, **TINY)
    assert config("named")["data"]["shape"][1:] != [64, 64]


def test_a_run_whose_method_was_chosen_goes_on_as_if_it_had_been_named(here: Path) -> None:
    labels(4)
    given: dict[str, Any] = {"data": "pets", "labels_file": "labels.csv", "quiet": True, "settings": SMALL}
    latelier.train(out="chosen", **given, **TINY)
    named = {**given, "settings": ["head.unlabelled=consistent", *SMALL]}
    latelier.train("classifier", out="named", **named, **TINY)
    for out in ("chosen", "named"):
        latelier.train(out=out, resume=True, steps=4, quiet=True)
    chosen, named = (checkpoint.checkpoints(Path(out))[-1].weights.read_bytes() for out in ("chosen", "named"))
    assert chosen == named
    assert {**config("chosen")["request"], "settings": None} == {**config("named")["request"], "settings": None} | {
        "out": "chosen"
    }
