"""Each panel as a person uses it, in a real browser."""

from pathlib import Path

import numpy as np
import pytest
from explore.browser import Visitor, visiting
from PIL import Image

DRAWN = "Drawn of the code"
pytestmark = pytest.mark.slow


def test_look_shows_a_class_and_the_nearest(visitor: Visitor) -> None:
    visitor.go("panel=look")
    visitor.page.wait_for_selector(".gallery .thumb >> nth=11")
    visitor.page.select_option("select[aria-label='all classes']", "dog")
    visitor.until("document.querySelectorAll('.gallery .thumb').length === 5")
    visitor.page.locator(".gallery .thumb").nth(1).click()
    visitor.page.wait_for_selector('.thumb[data-id=d3][aria-pressed="true"]')
    visitor.page.get_by_role("button", name="Nearest by code").click()
    visitor.page.wait_for_selector("text=nearest first")
    assert visitor.page.locator(".gallery .thumb").first.get_attribute("data-id") == "d3"


def test_look_finds_words_and_what_the_model_would_write(visitor: Visitor) -> None:
    visitor.go("panel=look")
    visitor.page.get_by_label("Words of captions or names").fill(" 11 ")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("text=Images 1 to 1 of 1.")
    assert visitor.page.get_by_label("Words of captions or names").input_value() == "11"
    visitor.page.get_by_role("button", name="All images").click()
    visitor.page.get_by_label("What a caption says").fill("light")
    visitor.page.get_by_role("button", name="Find").click()
    visitor.page.wait_for_selector('text=Images of which the model finds "light" likeliest')


def test_a_lock_holds_a_number_while_the_others_are_drawn(visitor: Visitor) -> None:
    visitor.go("panel=traverse&image=d3")
    before = visitor.image(DRAWN)
    values = "[...document.querySelectorAll('.slider input')].map((one) => one.value)"
    first = visitor.page.evaluate(values)
    visitor.page.get_by_role("button", name="Lock").first.click()
    visitor.page.get_by_role("button", name="Randomise").click()
    visitor.changed(DRAWN, before)
    second = visitor.page.evaluate(values)
    assert second[0] == first[0]
    assert all(a != b for a, b in zip(first[1:], second[1:], strict=True))
    visitor.page.get_by_role("button", name="Reset").click()
    visitor.until(f"({values}).join() === '{','.join(first)}'")


def test_the_cell_of_a_map_is_chosen_by_clicking(visitor: Visitor) -> None:
    visitor.go("panel=traverse&run=three&image=d3")
    visitor.page.get_by_role("button", name="row 0, column 2").click()
    visitor.page.wait_for_selector("text=at row 0, column 2")
    assert "occurrence[0,0,2]" in visitor.page.inner_text(".sliders")


def test_a_point_is_dragged_between_four_images(visitor: Visitor) -> None:
    visitor.go("panel=interpolate&image=d3")
    for _ in range(2):
        visitor.page.get_by_role("button", name="Add an image").click()
    before = visitor.image("Between")
    box = visitor.page.locator(".pad").bounding_box()
    visitor.page.mouse.move(box["x"] + 10, box["y"] + 10)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"], steps=5)
    visitor.page.mouse.up()
    visitor.changed("Between", before)
    visitor.until("/x=0\\.2/.test(location.hash) && /y=0\\.7/.test(location.hash)")
    visitor.page.wait_for_selector(".frames figure >> nth=6")


def test_an_address_of_the_version_before_is_read(visitor: Visitor) -> None:
    visitor.go("panel=interpolate&picture=d3&pictures=d3,d5,d7")
    assert visitor.image("Between")
    visitor.until("/image=d3&/.test(location.hash) && /images=d3(,|%2C)d5(,|%2C)d7/.test(location.hash)")
    assert "picture" not in visitor.page.evaluate("location.hash")


def test_a_part_is_chosen_and_taken_from_another_image(visitor: Visitor) -> None:
    visitor.go("panel=parts&run=three&image=d3")
    visitor.page.get_by_role("button", name="part 1,").click()
    visitor.page.wait_for_selector("text=part 1 swapped")
    assert visitor.image("part 1 swapped")
    visitor.page.locator('.strip .thumb[data-id="d9"]').click()
    visitor.page.wait_for_selector('img[alt="appearance from"][src*="/d9.png"]')


@pytest.mark.parametrize("width", [390, 1280])
def test_parts_are_chosen_before_what_is_drawn_of_them(base: str, width: int) -> None:
    with visiting(base, viewport={"width": width, "height": 844}) as found:
        found.go("run=three&panel=parts&image=d1")
        found.page.locator("img[alt$='swapped'][src^='data:']").first.wait_for()
        top = "(one) => one.getBoundingClientRect().top"
        listed = found.page.locator(".part").last.evaluate(top)
        drawn = found.page.locator(".three figure").evaluate_all(f"(all) => all.map({top})")
        assert len({round(one) for one in drawn}) == 1  # in one row
        assert listed < drawn[0]


def test_an_attribute_is_moved_and_its_table_follows(visitor: Visitor) -> None:
    visitor.go("panel=edit&image=d3")
    visitor.page.wait_for_selector(".slider input")
    before = visitor.image("after")
    visitor.page.locator(".slider input").first.press("PageUp")
    visitor.changed("after", before)
    visitor.page.wait_for_selector("text=dog (moved)")
    assert visitor.page.locator(".frames figure").count() == 6


def test_a_mask_is_painted_by_hand_and_by_keys(visitor: Visitor, tmp_path: Path) -> None:
    visitor.go("panel=inpaint&image=d3")
    canvas = visitor.page.locator("canvas.paint")
    canvas.focus()
    visitor.page.keyboard.press("ArrowLeft")
    visitor.page.keyboard.press(" ")
    visitor.page.wait_for_selector("text=was missing")
    before = visitor.image("filled in")
    box = canvas.bounding_box()
    visitor.page.mouse.move(box["x"] + 5, box["y"] + 5)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 5, steps=8)
    visitor.page.mouse.up()
    visitor.changed("filled in", before)
    after = visitor.settled("filled in")  # of the whole stroke
    visitor.page.get_by_role("button", name="Undo").click()
    assert visitor.changed("filled in", after) == before
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Save the mask (PNG)").click()
    download.value.save_as(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        mask = np.asarray(image.convert("L"))
    assert mask.shape == (8, 6)
    assert 0 < (mask == 0).sum() < 10


def test_words_are_typed_and_drawn(visitor: Visitor) -> None:
    visitor.go("panel=captions&image=d3")
    visitor.page.fill("textarea", "purple light")
    visitor.page.wait_for_selector("text=the model knows: purple")
    visitor.page.fill("textarea", "light")
    visitor.page.get_by_role("button", name="Draw this").click()
    visitor.page.wait_for_selector(".frames figure >> nth=7")
    visitor.until("location.hash.includes('text=light')")


def test_classes_are_told(visitor: Visitor) -> None:
    visitor.go("panel=classify&image=d3")
    visitor.page.wait_for_selector(".classes tbody tr >> nth=1")
    assert "±" in visitor.page.inner_text("tbody")


def test_a_lasso_selects_and_its_list_is_saved(visitor: Visitor, tmp_path: Path) -> None:
    visitor.go("panel=map")
    visitor.page.wait_for_selector("text=codes of all 12 images")
    canvas = visitor.page.locator("canvas.plane")
    box = canvas.bounding_box()
    corners = [(2, 2), (2, box["height"] - 2), (box["width"] - 2, box["height"] - 2), (box["width"] - 2, 2)]
    visitor.page.mouse.move(box["x"] + 2, box["y"] + 2)
    visitor.page.mouse.down()
    for x, y in corners[1:]:
        visitor.page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    visitor.page.mouse.up()
    visitor.page.wait_for_selector("text=12 images are selected")
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Save the list").click()
    download.value.save_as(tmp_path / "list.csv")
    lines = (tmp_path / "list.csv").read_text().splitlines()
    assert lines[0] == "file,label,given,guess"
    assert lines[1].startswith("sub/0.png,cat,")
    assert len(lines) == 13
    visitor.page.get_by_role("button", name="Zoom in").click()
    visitor.until("/at=0.0000%2C0.0000%2C1.4000/.test(location.hash)")


def test_names_that_are_not_utf8_are_saved_as_bytes(visitor: Visitor) -> None:
    visitor.go("panel=map")
    script = "import('/static/lib/keep.js').then(async (m) => [...new Uint8Array(await m.written(TEXT).arrayBuffer())])"
    found = visitor.page.evaluate(script.replace("TEXT", r"'k\udcfche \ud83d\udcc4 \xe4'"))
    assert bytes(found) == "k\udcfche \N{PAGE FACING UP} ä".encode(errors="surrogateescape")
