"""Every field that an action of a panel reads, with a value of another type: a sentence, or an answer; no failure."""

import json
import random
from itertools import product
from typing import Any

import pytest
from explore.opened import Page, said
from hostile.contents import IMAGES, JSON

from latelier.errors import Refusal
from latelier.explore.panels import actions_of, list_panels
from latelier.explore.requests import Question

VALUES: dict[str, Any] = {
    **{"nothing": None, "true": True, "below": -1, "half": 0.5, "large": 1e300, "huge": 10**400, "nan": float("nan")},
    **{"infinite": float("inf"), "empty": "", "nul": "\0", "escape": "\x1b[2J", "path": "../../etc/passwd"},
    **{"surrogate": "\ud800", "long": "x" * 10_000, "list": [], "nested": [[[]]], "mixed": [None, 1, "a"], "dict": {}},
    **{
        "other": {"\x1b[2J": {"x": None}},
        "names": {"z:0": "x"},
        "far": {"z:0": 1e300},
        "no number": {"z:0": float("nan")},
    },
    **{
        "square": {"z:\u00b2": 1},
        "digits": {f"z:{'9' * 6_000}": 1},
        "half name": {"z:\ud800": 1},
        "halves": ["\ud800", "d0"],
    },
    **{"foreign row": "d\u0663", "long row": f"d{'9' * 6_000}", "long number": 10**4_000, "half word": "light \ud800"},
    **{"many": ["d0"] * 10_000, "row": "d999999999", "upload": "u0123456789ab"},
}
RUNS = ("one", "two", "three")
GOOD: dict[str, Any] = {  # fields with which an action comes to others that it reads
    **{"image": "d0", "images": ["d1"], "selection": "", "class": "cat", "attribute": "wet", "value": "yes"},
    **{"name": "label", "way": "pca", "text": "light", "kind": "random", "tab": "t", "column": "label"},
}


class Noted(dict[str, Any]):
    """The fields of a question, which says what was read of them."""

    def __init__(self, fields: dict[str, Any], read: set[str]):
        super().__init__(fields)
        self.read = read

    def get(self, name: str, instead: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, instead)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The fields that were read since it was cleared."""
    names: set[str] = set()
    monkeypatch.setattr("latelier.explore.app.Question", lambda fields: Question(Noted(fields, names)))
    return names


def sentence(answer: Any) -> bool:
    """Whether it is an answer, or one line of what is wrong that can be shown."""
    status, content = said(answer)
    if status in (200, 202):
        return True
    line = content["error"]
    return status in (400, 404, 413, 415) and len(line) < 1_000 and "\n" not in line


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained, whoever asks."""

    def refused(*asked: object) -> None:
        raise Refusal("a training costs too much here")

    monkeypatch.setattr("latelier.explore.jobs.Jobs.start", refused)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("share", [2, pytest.param(len(VALUES), marks=pytest.mark.slow)])
@pytest.mark.parametrize("panel", list_panels())
def test_no_question_ends_in_a_failure(panel: str, share: int, able: Page, read: set[str]) -> None:
    """A field that was not read of a question without it changes nothing, so that it is not asked with."""
    draw, failed, asked = random.Random(panel), [], 0
    chosen = able.ask("look", "select", label="cat")["selection"]
    for run, action, good in product(RUNS, actions_of(panel), ({}, GOOD | {"selection": chosen})):
        address = f"/api/{run}/{panel}/{action}"
        read.clear()
        answer = able.client.post(address, json=good)
        if answer.status_code == 404 and not read:
            continue  # this run cannot do that
        asked += 1
        if not sentence(answer):
            failed.append((run, action, "", "", answer.text))
        for field, name in product(sorted(read), draw.sample(sorted(VALUES), share)):
            content = json.dumps(good | {field: VALUES[name]}).encode()
            answer = able.client.post(address, content=content, headers={"content-type": "application/json"})
            if not sentence(answer):
                failed.append((run, action, field, name, answer.text))
    assert asked > 0
    assert failed == []


@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_no_body_ends_in_a_failure(content: bytes, able: Page) -> None:
    answer = able.client.post("/api/one/traverse/move", content=content, headers={"content-type": "application/json"})
    unasked = content in (JSON["other"], JSON["surrogate"])  # an object, of fields that nobody asks for
    assert answer.status_code == (200 if unasked else 400)


@pytest.mark.parametrize("content", IMAGES.values(), ids=IMAGES)
def test_what_is_no_image_is_not_taken(content: bytes, able: Page) -> None:
    answer = able.client.post("/api/upload", content=content)
    assert answer.status_code == 400
    assert sentence(answer)
