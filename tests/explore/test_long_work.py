"""Long work on the page: in lines that say how far it is, between which others are answered; left when nobody waits."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from explore.able import Able
from explore.browser import serving
from explore.opened import Page, page, places_of
from sheets.fakes import Parted

from latelier.explore.app import build_app
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import actions_of
from latelier.explore.requests import Question
from latelier.nets.eval_mode import evaluating

IMAGE = (1, 8, 6)
LONG = {  # actions that take longer than a tenth of a second with models of 64 px
    "one": [
        ("traverse", "sliders", {}),
        ("edit", "attributes", {}),
        ("edit", "trust", {"by": {"dog": 1}}),
        ("captions", "imagine", {"text": "light"}),
        ("inpaint", "fill", {"hidden": "/wAAAAAA"}),
    ],
    "two": [("parts", "list", {})],
}


@pytest.mark.parametrize(("run", "panel", "action", "question"), [(run, *one) for run in LONG for one in LONG[run]])
def test_long_work_is_cut_and_holds_no_mode_while_it_waits(
    run: str, panel: str, action: str, question: dict[str, Any]
) -> None:
    places, _ = places_of(Able(IMAGE), Parted((3, 8, 12)))
    opened = places[0 if run == "one" else 1]
    with evaluating(opened.model):
        slices = actions_of(panel)[action](opened, Question(question))
    assert not isinstance(slices, dict)
    count = 0
    while True:
        with evaluating(opened.model):
            share = next(slices, None)
        assert torch.is_grad_enabled(), "the context of a slice is still there between slices"
        if share is None:
            break
        assert 0 <= share <= 1
        count += 1
    assert count > 0


class Waiting:
    """An action of this many slices, in the place of Reconstruct's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, slices: int):
        self.done, self.closed, self.slices = 0, threading.Event(), slices
        own = actions_of("reconstruct")
        monkeypatch.setitem(own, "show", self.show)

    def show(self, opened: OpenedRun, question: Question) -> Iterator[float]:
        try:
            for number in range(self.slices):
                time.sleep(0.02)
                self.done = number + 1
                yield number / self.slices
            return {"finished": True}
        finally:
            self.closed.set()


@contextmanager
def connected(base: str) -> Iterator[http.client.HTTPConnection]:
    one = http.client.HTTPConnection(base.removeprefix("http://").rstrip("/"), timeout=30)
    try:
        yield one
    finally:
        one.close()


def ask(at: http.client.HTTPConnection, panel: str, action: str, client: str) -> http.client.HTTPResponse:
    at.request("POST", f"/api/one/{panel}/{action}", "{}", {"content-type": "application/json", "x-client": client})
    return at.getresponse()


def test_a_slider_is_answered_while_long_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Waiting(monkeypatch, 100)
    with serving(build_app(*places_of(Able(IMAGE)))) as base, connected(base) as one, connected(base) as other:
        answer = ask(one, "reconstruct", "show", "one")
        assert answer.getheader("content-type") == "application/x-ndjson"
        for _ in range(3):
            assert b"data:image/png" in ask(other, "traverse", "move", "other").read()
        assert 0 < work.done < 100
        lines = [json.loads(line) for line in answer.read().splitlines()]
        shares = [line["share"] for line in lines[:-1]]
        assert shares == sorted(shares)
        assert lines[-1] == {"status": 200, "answer": {"finished": True}}


def test_long_work_ends_when_its_page_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Waiting(monkeypatch, 10_000)
    with serving(build_app(*places_of(Able(IMAGE)))) as base, connected(base) as one:
        answer = ask(one, "reconstruct", "show", "one")
        assert b"share" in answer.readline()
        answer.close()
        one.close()
        assert work.closed.wait(10)
        assert work.done < 10_000


def test_a_refusal_in_the_middle_is_a_status_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from latelier.errors import Refusal

    def failing(opened: OpenedRun, question: Question) -> Iterator[float]:
        for _ in range(20):
            time.sleep(0.02)
            yield 0.5
        raise Refusal("not like this")

    monkeypatch.setitem(actions_of("reconstruct"), "show", failing)
    with page(Able(IMAGE)) as opened:
        assert opened.refused("reconstruct", "show") == (400, "not like this")


def test_what_was_left_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    places, _ = places_of(Able(IMAGE))
    opened, begun = places[0], list[int]()

    def work() -> Iterator[float]:
        begun.append(1)
        for _ in range(3):
            yield 0.5
        return "found"

    first = opened.shared("key", work)
    next(first)
    first.close()
    second = opened.shared("key", work)
    assert list(second) == [0.5, 0.5]
    assert list(opened.shared("key", work)) == []
    assert begun == [1]


def test_the_train_split_is_read_when_it_is_needed() -> None:
    with page(Able(IMAGE)) as asked:
        _needed(asked)


def _needed(able: Page) -> None:
    opened = able.client.app.state.explorer.runs.by_name["one"]  # type: ignore[attr-defined]
    for panel, action in (("look", "page"), ("reconstruct", "show"), ("traverse", "move")):
        able.ask(panel, action)
    assert "fit" not in vars(opened)
    able.ask("edit", "attributes")
    assert "fit" in vars(opened)
