"""Every field that any panel's action asks for, with a value of another type: a sentence, or an answer; no failure."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from explore.opened import Page, said
from hostile.contents import JSON, PICTURES

from latelier.explore.panels import actions_of, list_panels

FIELDS = (
    *("picture", "pictures", "text", "seed", "folder", "by", "hidden", "x", "y", "label", "start", "count", "part"),
    *(
        "level",
        "latent",
        "moves",
        "most",
        "mask",
        "row",
        "column",
        "client",
        "most",
        "name",
        "attribute",
        "code",
        "run",
        *("kind", "selection", "bits", "skip", "class", "value", "why", "tab", "method", "steps"),
        "way",
        "rows",
    ),
)
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


def sentence(answer: Any) -> bool:
    """Whether it is an answer, or one line of what is wrong that can be shown."""
    status, content = said(answer)
    if status in (200, 202):
        return True
    line = content["error"]
    return status in (400, 404, 413, 415) and len(line) < 1_000 and "\n" not in line


def questions(panel: str, share: int) -> Iterator[tuple[str, str, str, Any]]:
    """Run, action, field and the name of a value: so many drawn of each field."""
    draw = random.Random(panel)
    for run in RUNS:
        for action in actions_of(panel):
            for field in FIELDS:
                yield from ((run, action, field, name) for name in draw.sample(sorted(VALUES), share))


@pytest.mark.parametrize("share", [2, pytest.param(len(VALUES), marks=pytest.mark.slow)])
@pytest.mark.parametrize("panel", list_panels())
def test_no_question_ends_in_a_failure(panel: str, share: int, able: Page) -> None:
    asked, failed = 0, []
    for run, action, field, name in questions(panel, share):
        content = json.dumps({field: VALUES[name]}).encode()
        address = f"/api/{run}/{panel}/{action}"
        answer = able.client.post(address, content=content, headers={"content-type": "application/json"})
        asked += answer.status_code != 404
        if not sentence(answer):
            failed.append((run, action, field, name, answer.text))
    assert asked > 0
    assert failed == []


@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_no_body_ends_in_a_failure(content: bytes, able: Page) -> None:
    answer = able.client.post("/api/one/traverse/move", content=content, headers={"content-type": "application/json"})
    unasked = content in (JSON["other"], JSON["surrogate"])  # an object, of fields that nobody asks for
    assert answer.status_code == (200 if unasked else 400)


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
def test_what_is_no_picture_is_not_taken(content: bytes, able: Page) -> None:
    answer = able.client.post("/api/upload", content=content)
    assert answer.status_code == 400
    assert sentence(answer)
