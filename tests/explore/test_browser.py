"""The page as a person uses it, in a real browser."""

import json
from pathlib import Path

import pytest
from explore.able import Able
from explore.browser import Visitor, served, visiting
from made import write
from PIL import Image

IMAGE = (1, 8, 6)
DRAWN = "Drawn of the code"


def test_a_key_moves_a_slider_and_the_address_restores_it() -> None:
    with served(Able(IMAGE)) as base, visiting(base) as visitor:
        page = visitor.page
        visitor.go("panel=traverse&image=d3")
        before = visitor.image(DRAWN)
        page.locator(".slider input").first.focus()
        page.keyboard.press("ArrowRight")
        after = visitor.changed(DRAWN, before)
        visitor.until("location.hash.includes('m=z')")
        page.reload()
        assert visitor.changed(DRAWN, before) == after


@pytest.mark.slow
def test_an_image_of_ones_own_is_dropped_and_worked_on(visitor: Visitor, tmp_path: Path) -> None:
    visitor.go("panel=look")
    visitor.page.set_input_files("input[type=file]", write(tmp_path / "mine.png", size=(40, 30)))
    visitor.until("/image=u[0-9a-f]{12}/.test(location.hash)")
    visitor.page.get_by_role("button", name="Reconstruct").click()
    assert visitor.image("your image, drawn of its code")


@pytest.mark.slow
def test_a_file_that_is_no_image_is_said(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    visitor.go("panel=look")
    visitor.page.set_input_files("input[type=file]", tmp_path / "text.png")
    visitor.page.wait_for_selector("[role=alert]:not([hidden])")
    assert "no image that can be read" in visitor.page.inner_text("[role=alert]")
    visitor.complaints.clear()  # the browser notes the 400


@pytest.mark.slow
def test_image_code_and_command_are_taken_along(visitor: Visitor, tmp_path: Path) -> None:
    visitor.go("panel=traverse&image=d3")
    visitor.image(DRAWN)
    for words, name in (("Save image", "image.png"), ("Save code (JSON)", "code.json")):
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name=words).click()
        download.value.save_as(tmp_path / name)
    with Image.open(tmp_path / "image.png") as image:
        assert image.size == (6, 8)
    assert len(json.loads((tmp_path / "code.json").read_text())["z"]) == 5
    visitor.page.get_by_role("button", name="Copy the command").click()
    visitor.page.wait_for_selector("code.command")
    assert visitor.page.inner_text("code.command").startswith('latelier decode nowhere/one \'{"z":[')


@pytest.mark.slow
def test_keys_alone_go_everywhere(visitor: Visitor) -> None:
    visitor.go("panel=look&image=d3")
    visitor.page.wait_for_selector(".gallery .thumb")
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("t")
    visitor.page.wait_for_selector("h1:text('Traverse')")
    visitor.page.keyboard.press("]")
    visitor.until("location.hash.includes('image=d4')")
    visitor.page.go_back()
    visitor.until("location.hash.includes('image=d3')")
    unnamed = """[...document.querySelectorAll('input, select, button, canvas[tabindex]')].filter((one) =>
        !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim())).length"""
    assert visitor.page.evaluate(unnamed) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "panel",
    ["start", "look", "reconstruct", "traverse", "interpolate", "edit", "inpaint", "classify", "map", "compare"],
)
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 860)])
def test_nothing_is_wider_than_the_page(base: str, panel: str, width: int, height: int) -> None:
    with visiting(base, viewport={"width": width, "height": height}) as visitor:
        visitor.go(f"panel={panel}&image=d3")
        visitor.page.wait_for_load_state("networkidle")
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_flood_of_slider_events_makes_no_queue_and_ends_at_the_last(visitor: Visitor) -> None:
    """1,000 events at 200 a second: fewer questions, and the image is that of the last value."""
    visitor.go("panel=traverse&image=d3")
    before = visitor.image(DRAWN)
    visitor.asked.clear()
    flood = """() => new Promise((done) => {
      const slider = document.querySelector(".slider input");
      let sent = 0;
      const begun = performance.now();
      const timer = setInterval(() => {
        for (; sent < Math.min(1000, (performance.now() - begun) / 5); sent += 1) {
          slider.value = sent === 999 ? 2 : Math.sin(sent);
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }
        if (sent >= 1000) { clearInterval(timer); done(); }
      }, 5);
    })"""
    visitor.page.evaluate(flood)
    visitor.until("!document.querySelector('.busy')")
    moves = [url for url in visitor.asked if url.endswith("/traverse/move")]
    assert 1 < len(moves) < 1000
    after = visitor.changed(DRAWN, before)
    visitor.until("/m=z%3A\\d%3D(2|1[.]9)/.test(location.hash)")
    visitor.page.reload()
    assert visitor.changed(DRAWN, before) == after


@pytest.mark.slow
def test_a_server_that_is_gone_is_said(visitor: Visitor) -> None:
    visitor.go("panel=traverse&image=d3")
    visitor.image(DRAWN)
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.page.locator(".slider input").first.press("ArrowRight")
    visitor.page.wait_for_selector("text=Is it still running in its terminal?")
    visitor.complaints.clear()  # the browser notes what failed
