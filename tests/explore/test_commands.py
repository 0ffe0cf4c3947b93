"""Commands that panels give make just what is seen."""

import csv
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explore.opened import HERE, Page
from explore.test_app import seen
from judged import pets_and_run, train
from PIL import Image
from starlette.testclient import TestClient

from latelier.cli import main
from latelier.explore.app import build_app
from latelier.explore.open_runs import open_runs
from latelier.explore.uploads import Uploads
from latelier.runs.where import Where

HIDDEN = "/wAA//8AAP8="  # the upper and the lower middle rows of 8 x 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = pets_and_run(tmp_path_factory.mktemp("made"))
    head = {"net": "mlp", "net.widths": (8,), "latent": 2, "head": "softmax"}
    train(place / "pets", place / "told", settings=head, quiet=True)
    return place


@pytest.fixture
def opened(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page over two runs, in a working directory of its own."""
    uploads = Uploads()
    app = build_app(open_runs([made / "told", made / "run"], None, Where(), uploads), uploads)
    monkeypatch.chdir(tmp_path)
    with TestClient(app, base_url=HERE) as client:
        yield Page(client)


def run(answer: dict[str, Any]) -> None:
    """In a shell's stead: what is put into a folder, and latelier's own words."""
    moved, _, command = answer["command"].rpartition(" && ")
    if moved:
        assert moved == "mkdir -p image && mv image.png image/"
        Path("image").mkdir()
        Path("image.png").rename("image/image.png")
    words = shlex.split(command)
    assert words[0] == "latelier"
    main(words[1:])


def save_image(opened: Page, image: str) -> None:
    """As the button does."""
    Path("image.png").write_bytes(opened.client.get(f"/api/told/image/{image}.png").content)


def test_classify_writes_the_probabilities_that_are_seen(opened: Page) -> None:
    told = opened.ask("classify", "show", run="told", image="d3")
    answer = opened.ask("classify", "command", run="told", image="d3")
    assert answer["files"] == ["image.png"]
    save_image(opened, "d3")
    run(answer)
    (row,) = csv.DictReader(Path("classes.csv").read_text().splitlines())
    for one in told["classes"]:
        assert float(row[one["name"]]) == pytest.approx(one["probability"], abs=1e-4)
        assert float(row[f"{one['name']} score"]) == pytest.approx(one["score"], abs=1e-4)


def test_inpaint_fills_in_what_is_seen(opened: Page) -> None:
    question = {"image": "d3", "hidden": HIDDEN, "seed": 2}
    told, answer = (opened.ask("inpaint", action, run="told", **question) for action in ("fill", "command"))
    assert answer["files"] == ["image.png", "mask.png"]
    save_image(opened, "d3")
    mask = Image.new("L", (8, 8), 255)
    for y in (0, 3, 4, 7):
        mask.paste(0, (0, y, 8, y + 1))
    mask.save("mask.png")
    run(answer)
    (filled,) = Path("filled").rglob("*.png")
    assert np.array_equal(seen(told["image"]), pixels(filled))


def test_compare_draws_what_each_run_draws(opened: Page) -> None:
    for name in ("told", "run"):
        run(opened.ask("reconstruct", "code", run=name, image="d3", stem=name))
        told = opened.ask("compare", "show", run=name, image="d3")
        assert np.array_equal(seen(told["image"]), pixels(Path(f"{name}.png")))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({}, "latelier data noise:test"),
        ({"mode": "near"}, "latelier encode nowhere/one noise:test --out codes.parquet"),
        (
            {"mode": "near", "near": "d3"},
            "latelier neighbours nowhere/one noise:test --query sub/3.png -n 24 --out nearest.csv",
        ),
        ({"mode": "near", "near": "d999999"}, "latelier encode nowhere/one noise:test --out codes.parquet"),
        (
            {"mode": "pairs", "most": 0.25},
            "latelier duplicates nowhere/one noise:test --most 0.25 --out duplicates.csv",
        ),
        ({"order": "error"}, "latelier outliers nowhere/one noise:test --by error --out outliers.csv"),
        ({"order": "outlier"}, "latelier outliers nowhere/one noise:test --by distance --out outliers.csv"),
        ({"prediction": "dog"}, "latelier classify nowhere/one noise:test --out classes.csv"),
    ],
)
def test_the_gallery_says_what_writes_that_by_which_it_is_ordered(
    able: Page, asked: dict[str, str], command: str
) -> None:
    assert able.ask("look", "command", **asked)["command"] == command
