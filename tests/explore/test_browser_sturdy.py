"""What stays true when answers are slow, are cancelled, or do not come; in a real browser."""

import time
from collections.abc import Iterator

import pytest
from explore.able import Able
from explore.browser import Visitor, app_of, served, serving, visiting

from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import actions_of
from latelier.explore.requests import Question

IMAGE = (1, 8, 6)
DRAWN = {  # panel -> the frames in which the model draws
    "traverse": ".big",
    "interpolate": ".big",
    "edit": ".figures figure",
    "inpaint": ".figures figure:last-child",
    "compare": ".figures figure",
}
STANDS = """([panel, frames]) => [...document.querySelectorAll(`${frames} img`)]
    .filter((one) => one.checkVisibility() && !one.src.startsWith('data:')).map((one) => one.src)"""


def stopped(visitor: Visitor) -> None:
    """No question is answered from here on."""
    visitor.page.route("**/api/**", lambda route: route.abort() if route.request.method == "POST" else route.fallback())


@pytest.mark.slow
@pytest.mark.parametrize("panel", DRAWN)
def test_no_original_stands_where_the_model_draws(visitor: Visitor, panel: str) -> None:
    stopped(visitor)
    visitor.go(f"panel={panel}&image=d3")
    visitor.page.wait_for_selector("text=Is it still running in its terminal?")
    assert visitor.page.evaluate(STANDS, [panel, DRAWN[panel]]) == []
    visitor.complaints.clear()  # the browser notes what failed


def test_a_server_that_comes_back_is_found() -> None:
    """The page shows what it would have shown."""
    with app_of(Able(IMAGE)) as app, serving(app) as base, visiting(base) as visitor:
        stopped(visitor)
        visitor.page.route("**/api/site", lambda route: route.abort() if visitor.complaints else route.fallback())
        visitor.go("panel=traverse&image=d3")
        visitor.page.wait_for_selector("text=This page goes on by itself")
        assert visitor.page.locator(".big img").is_hidden()
        visitor.page.unroute_all()
        assert visitor.image("Drawn of the code")
        assert visitor.page.locator("[role=alert]:visible").count() == 0
        visitor.complaints.clear()


def test_a_panel_that_cannot_be_loaded_is_said(visitor: Visitor) -> None:
    visitor.go("panel=look")
    visitor.page.route("**/panels/traverse.js*", lambda route: route.abort())
    visitor.page.evaluate("location.hash = 'panel=traverse'")
    visitor.page.wait_for_selector("text=The panel Traverse could not be loaded")
    visitor.page.unroute_all()
    visitor.page.evaluate("location.hash = 'panel=look'")
    visitor.page.wait_for_selector(".gallery .thumb")
    visitor.page.evaluate("location.hash = 'panel=traverse'")
    assert visitor.image("Drawn of the code")
    visitor.complaints.clear()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Drawing what is said takes until it is cancelled; the shares that it has had."""
    shares: list[float] = []

    def imagined(opened: OpenedRun, question: Question) -> Iterator[float]:
        try:
            for number in range(10_000):
                time.sleep(0.02)
                shares.append(number / 10_000)
                yield 0.25
            return {}
        finally:
            shares.append(1.0)

    monkeypatch.setitem(actions_of("captions"), "imagine", imagined)
    return shares


def test_long_work_shows_how_far_it_is_and_is_cancelled(slow: list[float]) -> None:
    with served(Able(IMAGE)) as base, visiting(base) as visitor:
        visitor.go("panel=captions&image=d3")
        visitor.page.get_by_role("button", name="Draw this").click()
        visitor.page.wait_for_selector("text=Looking for codes of which this would be written: 25 %")
        visitor.page.get_by_role("button", name="Cancel").click()
        visitor.page.wait_for_selector("text=Nothing was drawn.")
        visitor.until("!document.querySelector('.work')")
        for _ in range(500):
            if slow[-1] == 1.0:
                break
            time.sleep(0.02)
        assert slow[-1] == 1.0


def test_long_work_ends_with_its_panel(slow: list[float]) -> None:
    with served(Able(IMAGE)) as base, visiting(base) as visitor:
        visitor.go("panel=captions&image=d3")
        visitor.page.get_by_role("button", name="Draw this").click()
        visitor.page.wait_for_selector(".work progress")
        visitor.page.evaluate("location.hash = 'panel=look'")
        visitor.page.wait_for_selector(".gallery .thumb")
        visitor.page.wait_for_timeout(1000)
        assert slow[-1] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_place_and_focus_stay_when_another_image_is_chosen(base: str, width: int) -> None:
    with visiting(base, viewport={"width": width, "height": 500}) as visitor:
        visitor.go("panel=traverse&image=d3")
        visitor.image("Drawn of the code")
        thumb = visitor.page.locator('.strip .thumb[data-id="d7"]')
        thumb.scroll_into_view_if_needed()
        before = visitor.page.evaluate("scrollY")
        assert before > 0
        thumb.focus()
        visitor.page.keyboard.press("Enter")
        visitor.until("location.hash.includes('image=d7')")
        visitor.until("document.activeElement?.dataset?.id === 'd7'")
        visitor.page.wait_for_selector('.strip .thumb[data-id="d7"][aria-pressed="true"]')
        assert abs(visitor.page.evaluate("scrollY") - before) < 3


def test_what_does_not_work_is_read_also_far_down_a_page(base: str) -> None:
    with visiting(base, viewport={"width": 390, "height": 400}) as visitor:
        visitor.go("panel=look")
        visitor.page.locator(".thumb").last.scroll_into_view_if_needed()
        wrong = {"status": 400, "content_type": "application/json", "body": '{"error": "nothing is here"}'}
        visitor.page.route("**/look/page", lambda route: route.fulfill(**wrong))
        visitor.page.locator(".thumb").last.click()
        visitor.page.wait_for_selector("text=nothing is here")
        visitor.page.wait_for_timeout(1000)
        box = visitor.page.locator("[role=alert]").bounding_box()
        assert 0 <= box["y"] <= 400 - box["height"]
        visitor.complaints.clear()  # the browser notes the 400


def test_a_selection_is_told_of_where_its_bar_is_out_of_sight(base: str) -> None:
    with visiting(base, viewport={"width": 390, "height": 400}) as visitor:
        visitor.go("panel=look")
        visitor.page.get_by_role("button", name="Select all 12").click()
        visitor.page.wait_for_selector("#status:text('12 selected. The top of the page')")


def test_a_panel_of_another_kind_begins_at_its_top(visitor: Visitor) -> None:
    visitor.go("panel=traverse&image=d3")
    visitor.image("Drawn of the code")
    visitor.page.evaluate("scrollTo(0, 10_000)")
    visitor.page.evaluate("location.hash = 'panel=edit&image=d3'")
    visitor.page.wait_for_selector("h1:text('Edit')")
    visitor.until("scrollY === 0")
