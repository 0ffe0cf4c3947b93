"""Images by their part in the training, and other splits of the same source beside the one that is shown."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from explore.able import Able
from explore.browser import serving, visiting
from explore.opened import HERE, Page, TestClient, noise_images, place

from latelier.data.sources.open import open_images
from latelier.data.subsets import fewer, hold_out
from latelier.explore.app import build_app
from latelier.explore.uploads import Uploads


def shown(page: Page, **question: str) -> list[int]:
    return [int(one["id"][1:]) for one in page.ask("look", "page", count=96, **question)["images"]]


@pytest.mark.parametrize("images", [None, 5])
def test_images_are_filtered_by_their_part_in_the_training(images: int | None, tmp_path: Path) -> None:
    uploads = Uploads()
    one = place(Able((1, 8, 6)), "one", uploads, replace(noise_images(), source="noise"))
    held_out = {"share": 0.25, "seed": 3}
    one.run.config.update(data={"fingerprint": "noise0", "held_out": held_out}, request={"images": images, "seed": 1})
    list(one.codes.slices())
    rest, held = hold_out(12, **held_out)
    learned = rest if images is None else fewer(rest, images, 1)
    with TestClient(build_app([one], uploads, labels=tmp_path / "labels.csv"), base_url=HERE) as client:
        page = Page(client)
        assert shown(page, part="held out") == held.tolist()
        assert shown(page, part="trained on") == learned.tolist()
        assert shown(page, part="left out") == np.setdiff1d(rest, learned).tolist()
        parts = page.ask("look", "filters")["parts"]
        assert parts == (["trained on", "held out"] if images is None else ["trained on", "held out", "left out"])
        column = page.ask("map", "column", name="split")
        assert column["classes"] == ["trained on", "held out", "left out"]
        assert page.refused("look", "page", part="test")[0] == 400


def test_of_other_images_no_part_is_known(able: Page) -> None:
    assert able.ask("look", "filters")["parts"] == []
    assert able.refused("look", "page", part="held out")[0] == 400


@pytest.fixture
def digits(tmp_path: Path) -> Any:
    """A page over the test images of digits."""
    uploads = Uploads()
    one = place(Able((1, 8, 8)), "one", uploads, open_images("digits", split="test"))
    one.splits = ("train", "test")
    one.run.config["request"] = {"data": "digits"}
    list(one.codes.slices())
    return build_app([one], uploads, labels=tmp_path / "labels.csv")


def test_another_split_is_opened_beside_once(digits: Any, tmp_path: Path) -> None:
    with TestClient(digits, base_url=HERE) as client:
        page = Page(client)
        filters = page.ask("look", "filters")
        assert (filters["split"], filters["splits"]) == ("test", ["train", "test"])
        assert page.ask("look", "split", split="train") == {"run": "one-train"}
        assert page.ask("look", "split", split="train") == {"run": "one-train"}
        assert page.ask("look", "split", run="one-train", split="test") == {"run": "one"}
        runs = {run["id"]: run for run in client.get("/api/site").json()["runs"]}
        assert {name: run["title"] for name, run in runs.items()} == {"one": "one", "one-train": "one, train images"}
        assert (runs["one-train"]["source"], runs["one-train"]["count"]) == ("digits:train", 1297)
        page.ask("label", "give", run="one-train", images=["d0"], **{"class": "3"})
        page.ask("label", "give", images=["d0"], **{"class": "4"})
        lines = (tmp_path / "labels.csv").read_text().splitlines()  # one file for both
        assert sorted(line.split("/")[0] for line in lines[1:]) == ["test", "train"]
        assert page.ask("label", "state", run="one-train")["elsewhere"] == ""
        status, sentence = page.refused("look", "split", split="validation")
        assert (status, sentence) == (400, 'no split "validation" here; there are: train, test')


def test_a_split_that_was_opened_beside_is_closed_again(digits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(digits, base_url=HERE) as client:
        page, runs = Page(client), digits.state.explorer.runs
        begun, over = list[float](), Event()

        def computed() -> Iterator[float]:
            try:
                for share in (0.1, 0.2):
                    begun.append(share)
                    yield share
            finally:
                over.set()

        assert page.ask("look", "filters")["close"] is False
        assert "the explorer was started with one" in page.refused("look", "close")[1]
        page.ask("look", "split", split="train")
        assert page.ask("look", "filters", run="one-train")["close"] is True
        page.ask("label", "give", run="one-train", images=["d0"], **{"class": "3"})
        opened = runs.by_name["one-train"]
        monkeypatch.setattr(
            runs.jobs, "last", SimpleNamespace(state="running", beside="one-train", out="there", opened="")
        )
        assert "a training that was begun here runs, into there" in page.refused("look", "close", run="one-train")[1]
        monkeypatch.setattr(runs.jobs, "last", None)
        assert page.ask("look", "close", run="one-train") == {"run": "one"}
        assert [run["id"] for run in client.get("/api/site").json()["runs"]] == ["one"]
        assert page.refused("look", "page", run="one-train") == (404, 'no run "one-train" is open here; it has one')
        opened.between(computed())
        assert over.wait(10)
        assert begun == [0.1]
        page.ask("look", "split", split="train")  # finds what was said
        assert page.ask("label", "state", run="one-train", images=["d0"])["images"][0]["given"] == "3"


def test_attributes_given_here_filter_and_colour(digits: Any) -> None:
    with TestClient(digits, base_url=HERE) as client:
        page = Page(client)
        page.ask("label", "mark", images=["d3", "d5"], attribute="round", value="yes")
        page.ask("label", "mark", images=["d4"], attribute="round", value="no")
        assert shown(page, attribute="round") == [3, 5]
        assert shown(page, attribute="round", value="no") == [4]
        assert page.ask("look", "filters")["attributes"] == ["round"]
        values = np.frombuffer(client.get("/api/one/map/values.bin?name=attribute:round").content, np.int8)
        assert values[:6].tolist() == [-1, -1, -1, 1, 0, 1]


def test_a_person_goes_to_the_images_that_are_trained_on(digits: Any) -> None:
    with serving(digits) as base, visiting(base) as visitor:
        visitor.go("panel=look&label=3&image=d7")
        visitor.page.select_option("select[aria-label=Split]", "train")
        visitor.until("location.hash.includes('run=one-train') && !location.hash.includes('label=')")
        visitor.page.wait_for_selector("text=Images 1 to 48 of 1,297.")
        visitor.page.select_option("select[aria-label=Split]", "test")
        visitor.page.wait_for_selector("text=Images 1 to 48 of 500.")
        assert visitor.page.get_by_role("button", name="Close one").count() == 0
        visitor.go("run=one-train&panel=look")
        visitor.page.get_by_role("button", name="Close one, train images").click()
        visitor.page.wait_for_selector("text=Images 1 to 48 of 500.")
        assert visitor.page.locator("#run option").all_inner_texts() == ["one"]
        visitor.go("run=one&panel=label")
        visitor.page.get_by_role("button", name="Label the train images").click()
        visitor.until("location.hash.includes('run=one-train') && location.hash.includes('panel=label')")
        visitor.page.wait_for_selector("text=of 1,297 images have a class")
