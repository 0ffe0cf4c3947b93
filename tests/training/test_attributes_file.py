"""Training on an attributes file, and what the run keeps of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from made import folder

import latelier
from latelier.core import AttributeDirections, need
from latelier.errors import Refusal
from latelier.runs.run import open_run
from latelier.runs.where import Where

TINY: dict[str, Any] = {"settings": ["width=0.1", "latent=2"], "size": 8, "batch": 4, "steps": 1, "quiet": True}
GIVEN = "file,wet\n" + "".join(f"pets/{i:03}.png,{i % 2}\n" for i in range(8))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with twelve images in pets/, and wet.csv that speaks of eight."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "here"
    folder(place / "pets", 12, "L", (8, 8))
    (place / "wet.csv").write_text(GIVEN)
    monkeypatch.chdir(place)
    return place


def trained(model: str = "vac", **more: Any) -> dict[str, Any]:
    """The run's config.json."""
    given = {"data": "pets", "attributes_file": "wet.csv", "out": "run", **TINY, **more}
    found: dict[str, Any] = json.loads((latelier.train(model, **given) / "config.json").read_text())
    return found


def test_a_model_of_attributes_learns_what_the_file_says(here: Path) -> None:
    config = trained()
    assert config["model"]["config"]["attributes"] == ["wet"]
    run = open_run("run")
    assert need(run.model, AttributeDirections).directions().names == ("wet",)
    images = run.images("pets", Where())
    assert images.attribute[:, 0].tolist() == [0, 1] * 4 + [-1] * 4
    assert images.fingerprint == config["data"]["fingerprint"]
    assert images.remarks[-1] == "run/attributes.csv says the attributes of 8 of 12 images"


def test_it_stays_in_the_run_and_may_stand_beside_a_labels_file(here: Path) -> None:
    (here / "labels.csv").write_text("file,class\n000.png,cat\n009.png,dog\n")
    config = trained("vae", labels_file="labels.csv", settings=["net=mlp", "net.widths=4", "latent=2"])
    assert config["data"]["labelled"] == 2
    assert "attributes_file" in config["places"]
    for name in ("wet.csv", "labels.csv"):
        (here / name).unlink()
    (here / "pets").rename(here / "animals")
    images = open_run("run").images("animals", Where())
    assert images.fingerprint == config["data"]["fingerprint"]
    assert (images.attributes, images.classes) == (("wet",), ("cat", "dog"))
    assert [remark.split()[0] for remark in images.remarks] == ["run/labels.csv", "run/attributes.csv"]


def test_a_resumed_run_goes_by_its_copy_and_is_refused_other_attributes(here: Path) -> None:
    trained()
    (here / "wet.csv").write_text(GIVEN + "011.png,1\n")
    with pytest.raises(Refusal, match=r"^wet.csv gives other attributes than when run was begun with it \(run/attrib"):
        latelier.train(out="run", resume=True, steps=2, quiet=True)
    with pytest.raises(Refusal, match=r"--attributes-file was wet.csv in run and is other.csv now"):
        latelier.train(out="run", resume=True, steps=2, quiet=True, attributes_file="other.csv")
    (here / "wet.csv").unlink()
    latelier.train(out="run", resume=True, steps=2, quiet=True)
    assert open_run("run").seen == 2 * 4


def test_validation_images_of_which_it_says_nothing_are_unknown(here: Path) -> None:
    for split in ("train", "validation"):
        folder(here / "apart" / split, 8, "L", (8, 8))
    (here / "wet.csv").write_text(GIVEN.replace("pets/", ""))
    config = trained(data="apart", out="apart-run")
    assert config["data"]["held_out"] == {"split": "validation"}
    assert config["model"]["config"]["attributes"] == ["wet"]


def test_a_damaged_copy_is_refused_in_one_line(here: Path) -> None:
    trained()
    Path("run/attributes.csv").write_text("file,wet\n000.png,1\n000.png,0\n")
    with pytest.raises(Refusal, match=r"run/attributes.csv") as refusal:
        open_run("run").images("pets", Where())
    assert "\n" not in str(refusal.value)
