"""Training on the images that have an attribute, and on a union of attributes as one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import folder

import latelier
from latelier.errors import Refusal
from latelier.runs.run import open_run
from latelier.runs.where import Where

TINY: dict[str, Any] = {"batch": 4, "quiet": True, "steps": 2, "validation": 0.0}
NET = ["net=mlp", "net.widths=4", "latent=2"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with sixteen images in faces/, of which every fourth wears a hat and every third glasses."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "here"
    folder(place / "faces", 16, "L", (32, 32))
    lines = [f"{i:03}.png,{int(i % 4 == 0)},{int(i % 3 == 0)}" for i in range(16)]
    (place / "faces" / "attributes.csv").write_text("\n".join(["file,hat,glasses", *lines]))
    monkeypatch.chdir(place)
    return place


def config(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(out) / "config.json").read_text())
    return found


def test_a_subset_by_attribute_is_what_a_run_learns_from_and_is_known_of_it(here: Path) -> None:
    latelier.train("vae", data="faces", out="hats", where="hat", settings=NET, **TINY)
    assert config("hats")["data"]["images"] == 4
    run = open_run("hats")
    splits = run.splits("faces", Where())
    assert splits.learned_rows is not None
    assert [splits.fit.names[row] for row in splits.learned_rows] == [
        name for name in splits.fit.names if int(str(name)[:3]) % 4 == 0
    ]
    latelier.train("vae", data="faces", out="either", where="hat|glasses", images=5, settings=NET, **TINY)
    assert config("either")["data"]["images"] == 5
    latelier.train(out="hats", resume=True, steps=3, quiet=True)
    with pytest.raises(Refusal, match="--where was hat in hats and is glasses now"):
        latelier.train(out="hats", resume=True, steps=4, where="glasses", quiet=True)


def test_what_no_image_has_is_refused_before_anything_is_written(here: Path) -> None:
    for where, said in (("beard", 'no attribute "beard"'), ("hat|beard", "no attribute"), ("", "no attribute")):
        with pytest.raises(Refusal, match=said):
            latelier.train("vae", data="faces", out="none", where=where, settings=NET, **TINY)
    lines = (here / "faces" / "attributes.csv").read_text().replace(",1", ",0").splitlines()
    (here / "faces" / "attributes.csv").write_text("\n".join(lines))
    with pytest.raises(Refusal, match='--where "hat" is not known of any of the 16 images'):
        latelier.train("vae", data="faces", out="none", where="hat", settings=NET, **TINY)
    assert not Path("none").exists()


def test_a_union_is_learned_as_one_attribute_and_known_to_other_verbs(here: Path) -> None:
    name = "hat|glasses"
    settings = [f"attributes={name}", "width=0.125", "latent=4"]
    latelier.train("vac", data="faces", out="union", settings=settings, **TINY)
    run: Any = open_run("union")
    assert run.card.config["attributes"] == [name]
    images = run.images("faces", Where())
    column = images.attribute[:, images.attributes.index(name)]
    assert column.tolist() == [int(i % 4 == 0 or i % 3 == 0) for i in range(16)]
    edited = latelier.edit("union", "faces", attribute=[name], by=1, out="edited")
    assert len(list(Path(edited).glob("*.png"))) == 16
    assert name in (Path(edited) / "edited.csv").read_text()
    assert np.isfinite(run.model.encode(images.floats(slice(2))).mode()["z"].detach().numpy()).all()
