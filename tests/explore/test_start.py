"""The first look at a run: what it keeps of a verdict, of scores and of its training, and some images."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explore.opened import HERE, Page, page
from judged import pets_and_run
from starlette.testclient import TestClient

from latelier.explore.app import build_app
from latelier.explore.open_runs import open_runs
from latelier.explore.uploads import Uploads
from latelier.runs.building import build
from latelier.runs.where import Where


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pets_and_run(tmp_path_factory.mktemp("made"))


@pytest.fixture
def trained(made: Path) -> Iterator[Page]:
    uploads = Uploads()
    app = build_app(open_runs([made / "run"], None, Where(), uploads), uploads)
    with TestClient(app, base_url=HERE) as client:
        yield Page(client)


def test_the_verdict_is_the_one_that_the_run_keeps(made: Path, trained: Page) -> None:
    told, kept = trained.ask("start", "show", run="run"), json.loads((made / "run" / "verdict.json").read_text())
    *said, following = told["verdict"]
    assert [line["text"] for line in said] == [finding["text"] for finding in kept["findings"][:-1]]
    assert said[0]["mark"] == {"good": "Good", "warning": "Warning", "note": "Note"}[kept["findings"][0]["level"]]
    assert (following["mark"], following["text"][:9]) == ("Next", "latelier ")
    assert (told["judge"], told["measured"]) == ("", kept["data"])
    assert told["summary"] == "A vae after 72 images, 36 different ones."
    assert told["settings"]["model"] == "vae"


def test_scores_stand_beside_their_baselines(made: Path, trained: Page) -> None:
    facts = json.loads((made / "run" / "verdict.json").read_text())["facts"]
    first = trained.ask("start", "scores", run="run")["headlines"][0]
    assert (first["name"], first["unit"]) == ("Reconstruction", "PSNR in dB")
    own, *others = first["bars"]
    assert (own["own"], own["said"]) == (True, f"{facts['PSNR']:.1f}")
    assert own["share"] == pytest.approx(facts["PSNR"] / max(facts[name] for name in facts if name.startswith("PSNR")))
    assert [one["label"] for one in others][-1] == "the mean image"
    assert trained.ask("start", "show", run="run")["headlines"][0] == first


def test_losses_are_those_of_the_log(made: Path, trained: Page) -> None:
    told = trained.ask("start", "show", run="run")
    log = [json.loads(line) for line in (made / "run" / "log.jsonl").read_text().splitlines()]
    points = [[record["seen"], record["terms"]["elbo"]] for record in log if "elbo" in record.get("terms", {})]
    assert len(points) > 1
    assert told["first"] in told["curves"]
    assert told["curves"]["elbo"]["lines"]["training"] == points
    assert told["curves"]["elbo"]["unit"] == "nats an image"


def test_without_a_verdict_it_says_how_to_come_by_one(made: Path, trained: Page) -> None:
    path = made / "run" / "verdict.json"
    kept = path.read_text()
    try:
        path.unlink()
        told = trained.ask("start", "show", run="run")
    finally:
        path.write_text(kept)
    assert (told["verdict"], told["headlines"]) == ([], [])
    assert told["judge"] == f"latelier score {made / 'run'}"


def test_six_images_are_drawn_again_as_reconstruct_draws_them(able: Page) -> None:
    told = able.ask("start", "images")
    assert [one["id"] for one in told["images"]] == [f"d{row}" for row in np.random.default_rng(0).permutation(12)[:6]]
    for one, again, ratio in zip(told["images"], told["drawn"], told["psnr"], strict=True):
        alone = able.ask("reconstruct", "show", image=one["id"])["again"][0]
        assert (again, ratio) == (alone["image"], alone["psnr"])
    assert able.ask("start", "show")["verdict"] == []


def test_a_model_that_only_draws_shows_what_it_draws_and_one_that_only_classifies_the_images() -> None:
    with page(build("dcgan", (1, 16, 8), latent=4, **{"net.channels": 4})) as opened:
        told = opened.ask("start", "images")
        assert (told["images"], len(set(told["drawn"]))) == ([], 6)
        assert told == opened.ask("start", "images")
    with page(build("classifier", (1, 8, 6), classes=2, **{"net.channels": (4,)})) as opened:
        told = opened.ask("start", "images")
        assert (len(told["images"]), told["drawn"]) == (6, [])


def test_the_command_writes_the_page_of_what_is_shown(able: Page) -> None:
    command = able.ask("start", "command")["command"]
    assert command == "latelier report nowhere/one --data noise:test --out report.html"
