"""The Label panel: what is given is counted, learned from and proposed; what is selected is labelled at once."""

import base64
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explore.able import Able
from explore.opened import HERE, Page, TestClient, noise_images, page, place

from latelier.explore.app import build_app
from latelier.explore.label_book import LabelBook
from latelier.explore.light import Light
from latelier.explore.panels import find
from latelier.explore.selections import MOST, Selections
from latelier.explore.uploads import Uploads
from latelier.learners.suggestion import light

IMAGE = (1, 8, 6)


@pytest.fixture
def desk() -> Iterator[Page]:
    with page(Able(IMAGE), Able(IMAGE)) as opened:
        opened.ask("label", "give", images=[f"d{row}" for row in range(12)], tab="setup")  # all unknown
        yield opened


def bits(*rows: int, count: int = 12) -> str:
    return base64.b64encode(np.packbits(np.isin(np.arange(count), rows)).tobytes()).decode()


def test_labels_are_counted_and_shared_by_runs_over_the_same_images(desk: Page) -> None:
    assert desk.ask("label", "give", images=["d0", "d2"], **{"class": "cat"}) == {
        "labelled": 2,
        "changed": 2,
        "taken": [],
    }
    desk.ask("label", "give", run="two", images=["d1"], **{"class": "dog"})
    state = desk.ask("label", "state", images=["d0", "d5"])
    assert state["classes"] == [{"name": "cat", "count": 2}, {"name": "dog", "count": 1}]
    assert (state["labelled"], state["total"]) == (3, 12)
    assert [one.get("given") for one in state["images"]] == ["cat", None]
    assert state["images"][1]["guess"] in ("cat", "dog")
    assert 0 < state["images"][1]["confidence"] <= 1
    assert Path(state["paths"][0]).read_text().count("\n") == 4


def test_a_queue_has_no_image_that_is_labelled_or_skipped(desk: Page) -> None:
    for row, name in enumerate(["cat", "dog", "cat"]):
        desk.ask("label", "give", images=[f"d{row}"], **{"class": name})
    for kind in ("margin", "unlike", "random"):
        queue = desk.ask("label", "queue", kind=kind, count=20, skip=["d3", "d4"])
        assert sorted(one["id"] for one in queue["images"]) == sorted(f"d{row}" for row in range(5, 12))
        assert {one["why"] for one in queue["images"]} <= {"unsure", "unlike", "random"}
        assert queue["left"] == 9


def test_why_an_image_was_looked_at_is_kept(desk: Page) -> None:
    desk.ask("label", "give", images=["d3"], why="random", **{"class": "cat"})
    path = Path(desk.ask("label", "state")["paths"][0])
    assert path.read_text().splitlines()[1:] == ["test/sub/3.png,cat,random"]


def test_a_tab_takes_its_own_back(desk: Page) -> None:
    desk.ask("label", "give", images=["d0"], tab="left", **{"class": "cat"})
    desk.ask("label", "give", images=["d1"], tab="right", **{"class": "dog"})
    assert desk.ask("label", "undo", tab="left") == {"images": ["d0"]}
    assert desk.ask("label", "undo", tab="left") == {"images": []}
    assert desk.ask("label", "state")["labelled"] == 1


def test_what_another_page_has_labelled_meanwhile_stays(desk: Page) -> None:
    desk.ask("label", "give", images=["d0"], fresh=1, **{"class": "cat"})
    answer = desk.ask("label", "give", images=["d0", "d1"], fresh=1, **{"class": "dog"})
    assert answer == {"labelled": 2, "changed": 1, "taken": [{"id": "d0", "given": "cat"}]}
    assert desk.ask("label", "give", images=["d0"], fresh=0, **{"class": "dog"})["taken"] == []  # it was seen
    assert desk.ask("label", "state")["classes"] == [{"name": "cat", "count": 0}, {"name": "dog", "count": 2}]


@pytest.mark.parametrize("name", ["file", "File", " label ", "Unnamed: 0"])
def test_a_column_of_the_table_is_no_attribute(desk: Page, name: str) -> None:
    assert desk.refused("label", "mark", images=["d0"], attribute=name, value="yes")[0] == 400
    assert desk.ask("label", "state")["attributes"] == []


def test_attributes_are_yes_no_or_unknown(desk: Page) -> None:
    desk.ask("label", "mark", images=["d0", "d1"], attribute="striped", value="yes")
    desk.ask("label", "mark", images=["d1", "d2"], attribute="striped", value="no")
    desk.ask("label", "mark", images=["d2"], attribute="striped")
    assert desk.ask("label", "state")["attributes"] == [{"name": "striped", "yes": 1, "no": 1}]
    assert desk.refused("label", "mark", images=["d0"], attribute="striped", value="maybe")[0] == 400


def test_two_answers_to_one_key_are_both_kept(desk: Page) -> None:
    """A label is never overtaken by the next, as questions to the models are."""
    assert set(find("label").AT_ONCE) >= {"give", "mark", "undo"}
    for row in range(12):
        desk.ask("label", "give", images=[f"d{row}"], **{"class": f"c{row % 3}"})
    assert desk.ask("label", "state")["labelled"] == 12


def test_what_is_odd_is_said(desk: Page) -> None:
    assert desk.refused("label", "give", images=["d99"], **{"class": "cat"})[0] == 404
    assert desk.refused("label", "give", images=["u0123456789ab"], **{"class": "cat"})[0] == 404
    assert desk.refused("label", "give", images=["d0"], **{"class": "-1"})[0] == 400
    assert desk.refused("label", "give", selection="s0", **{"class": "cat"})[0] == 400
    status, sentence = desk.refused("label", "queue", kind="best")
    assert (status, "margin, unlike, random, selection" in sentence) == (400, True)
    status, sentence = desk.refused("label", "train")
    assert (status, "--data noise:train" in sentence) == (400, True)  # these are the test images


def test_what_is_given_is_what_a_training_gets(tmp_path: Path) -> None:
    images = replace(noise_images(), source="noise", label=np.full(12, -1), classes=())
    uploads = Uploads()
    one = place(Able(IMAGE), "one", uploads, images)
    one.run.config["request"] = {"data": "digits"}
    app = build_app([one], uploads, labels=tmp_path / "labels.csv")
    with TestClient(app, base_url=HERE) as client:
        desk = Page(client)

        def words(**question: Any) -> list[str]:
            return shlex.split(desk.ask("label", "command", **question)["command"])

        assert "and here are 0; an attribute needs images with a yes and a no" in desk.refused("label", "train")[1]
        desk.ask("label", "mark", images=["d0"], attribute="wet", value="yes")
        assert desk.ask("label", "state")["untrainable"] != ""
        desk.ask("label", "mark", images=["d1"], attribute="wet", value="no")
        assert desk.ask("label", "state")["untrainable"] == ""
        assert words()[:3] == ["latelier", "train", "vac"]
        assert words(method="introvac")[2] == "introvac"
        assert "--labels-file" not in words()
        assert words()[words().index("--attributes-file") + 1] == str(tmp_path / "attributes.csv")
        for row, name in enumerate(["cat", "dog"]):
            desk.ask("label", "give", images=[f"d{row}"], **{"class": name})
        assert words()[:3] == ["latelier", "train", "--data"]
        assert {"--labels-file", "--attributes-file"} <= {*words()}
        desk.ask("label", "mark", images=["d0", "d1"], attribute="wet")
        assert "--attributes-file" not in words()


def test_names_of_classes_are_no_markup_and_no_formula(desk: Page) -> None:
    name = '=<img src=x onerror="alert(1)">'
    desk.ask("label", "give", images=["d0"], **{"class": name})
    state = desk.ask("label", "state")
    assert state["classes"][-1]["name"] == name
    assert f"'{name}".replace('"', '""') in Path(state["paths"][0]).read_text()


def test_a_selection_has_an_address_of_its_own() -> None:
    kept = Selections(12)
    one, other = kept.add(np.array([1, 5])), kept.add(np.array([2]))
    assert one == kept.add(np.array([1, 5])) != other
    assert kept.rows(one).tolist() == [1, 5]
    for row in range(MOST + 5):
        kept.add(np.array([row % 12, row // 12]))
    assert len(kept) == MOST


class Known:
    """Codes that are there."""

    def __init__(self, codes: np.ndarray):
        self._codes, self.picked = codes, np.arange(len(codes))

    def rows(self) -> np.ndarray:
        return self._codes


def test_accuracy_is_measured_on_what_is_not_labelled(tmp_path: Path) -> None:
    """On codes that have the class in them, a few labels get all of it, and the curve says so."""
    draw = np.random.default_rng(0)
    label = draw.integers(0, 2, 400)
    codes: Any = Known((draw.normal(size=(400, 5)) + 8 * label[:, None]).astype(np.float32))
    book = LabelBook(replace(noise_images(400), label=label), tmp_path / "labels.csv")
    for rows, name in ((label == 0, "cat"), (label == 1, "dog")):
        book.give(np.flatnonzero(rows)[:6], name)
    names = np.where(label == 0, "cat", "dog").tolist()
    known, alone, wrong = (Light(codes, book, truth) for truth in (names, [], names[::-1]))
    for one, said in ((known, "388 images"), (alone, "cross-validation")):
        while (curve := one.curve()).more:  # of a busy machine
            pass
        assert curve.points[-1] == (12, 1.0)
        assert said in curve.said
    assert [count for count, _ in alone.curve().points] == [10, 12]  # 5 labels are of one class
    assert wrong.curve().points[-1][1] < 0.7  # it is measured, not supposed
    assert (known.learned().predicted == label).all()


def test_a_page_of_images_reads_all_labels_once(desk: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ask("label", "give", images=["d0"], **{"class": "cat"})
    numbers, read = LabelBook.numbers, []
    monkeypatch.setattr(LabelBook, "numbers", lambda book: read.append(book) or numbers(book))
    for _ in range(2):
        assert [one.get("given") for one in desk.ask("look", "page", count=2)["images"]] == ["cat", None]
    assert len(read) == 1


def test_an_attribute_fits_no_classifier_anew(desk: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for row, name in enumerate(["cat", "dog"]):
        desk.ask("label", "give", images=[f"d{row}"], **{"class": name})
    fitted = []
    monkeypatch.setattr("latelier.explore.light.light", lambda *given: fitted.append(given) or light(*given))
    desk.ask("label", "state", images=["d5"])
    asked: dict[str, Any] = {"mark": {"attribute": "wet", "value": "yes"}, "give": {"class": "dog"}}
    for count, (action, more) in enumerate(asked.items(), 1):
        desk.ask("label", action, images=["d5"], **more)
        assert desk.ask("label", "queue", kind="random")["images"][0]["guess"] in ("cat", "dog")
        assert len(fitted) == count  # one by the first look
