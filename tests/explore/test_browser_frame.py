"""What stands around panels, and the panels that show several of a run's sides or several runs, in a real browser."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from explore.able import Able
from explore.browser import Visitor, served, visiting
from sheets.fakes import Fake, Stacked

from latelier.core import Latent

pytestmark = pytest.mark.slow
IMAGE = (1, 8, 6)
PHONE = {"viewport": {"width": 390, "height": 844}}
PANELS = ["start", "look", "label", "map", "reconstruct", "traverse", "interpolate", "edit", "classify", "captions"]
PANELS += ["inpaint", "compare"]
# Text whose colour stands out from the ground behind it by less than WCAG AA asks for: 4.5, or 3 where it is large.
FAINT = """() => {
  const rgb = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? [...found.slice(0, 3).map((x) => 255 * x), found[3] ?? 1] : found;
  };
  const over = (top, under) => top.slice(0, 3).map((x, i) => x * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
  const light = (colour) => {
    const [r, g, b] = colour.map((x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const above = [];
    for (let one = element; one; one = one.parentElement) above.unshift(rgb(getComputedStyle(one).backgroundColor));
    return above.reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const texts = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility() &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && one.namespaceURI.endsWith("xhtml"));
  return texts.map((one) => {
    const style = getComputedStyle(one), under = ground(one);
    const [a, b] = [light(over(rgb(style.color), under)), light(under)].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    return [(a + 0.05) / (b + 0.05), large ? 3 : 4.5, one.textContent.trim().slice(0, 40)];
  }).filter(([ratio, least]) => ratio < least);
}"""


@pytest.fixture(scope="module")
def three() -> Iterator[str]:
    """The address of a page over three runs on the same images."""
    with served(Able(IMAGE), Stacked(IMAGE), Fake(IMAGE, {"z": Latent((3,))})) as address:
        yield address


@pytest.fixture
def visitor(three: str) -> Iterator[Visitor]:
    with visiting(three) as found:
        yield found


def test_the_page_begins_with_the_run_and_leads_on(visitor: Visitor) -> None:
    visitor.go("")
    assert visitor.page.inner_text("h1") == "Start"
    visitor.page.wait_for_selector(".six img[src^='data:'] >> nth=5")
    assert visitor.page.locator(".six img").count() == 12
    visitor.page.wait_for_selector("code:text('latelier score nowhere/one')")
    visitor.page.click(".cards a:has-text('Traverse')")
    visitor.page.wait_for_selector("h1:text('Traverse')")
    visitor.page.go_back()
    visitor.page.locator(".six a").first.click()
    visitor.page.wait_for_selector("h1:text('Reconstruct')")
    visitor.until("/image=d9/.test(location.hash)")  # the first that seed 0 draws of twelve


def test_keys_are_listed_and_lead_to_panels(visitor: Visitor) -> None:
    visitor.go("panel=inpaint&image=d3")
    visitor.page.keyboard.press("?")
    listed = visitor.page.inner_text("dialog[open]")
    assert all(words in listed for words in ("the image before", "on the image: paint", "Traverse", "Compare"))
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("t")  # of no effect below a list
    visitor.page.keyboard.press("Escape")
    visitor.until("!document.querySelector('dialog[open]')")
    assert visitor.page.inner_text("h1") == "Inpaint"
    visitor.page.keyboard.press("3")  # panels may have digits of their own
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("q")
    visitor.page.wait_for_selector("#status:text('no panel of this run has the letter q')")
    for name, key, title in (("reconstruct", "r", "Reconstruct"), ("start", "s", "Start"), ("map", "m", "Map")):
        visitor.page.keyboard.press("g")
        visitor.page.keyboard.press(key)
        visitor.page.wait_for_selector(f"h1:text('{title}')")
        visitor.until(f"location.hash.includes('panel={name}')")
    visitor.page.click("#keys")
    visitor.page.get_by_role("button", name="Close").click()
    visitor.until("!document.querySelector('dialog[open]')")


def test_keys_are_letters_where_a_person_writes(visitor: Visitor) -> None:
    visitor.go("panel=captions&image=d3")
    visitor.page.fill("textarea", "")
    visitor.page.locator("textarea").press_sequentially("gt ?[")
    assert visitor.page.input_value("textarea") == "gt ?["
    assert visitor.page.inner_text("h1") == "Captions"


def test_a_keyboard_skips_the_list_of_panels(visitor: Visitor) -> None:
    visitor.go("panel=traverse&image=d3")
    visitor.page.wait_for_selector(".slider")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.getElementById('main').contains(document.activeElement)")
    assert "panel=traverse" in visitor.page.evaluate("location.hash")


def test_on_a_phone_every_panel_is_within_reach(three: str) -> None:
    with visiting(three, has_touch=True, **PHONE) as visitor:
        visitor.go("panel=start")
        assert not visitor.page.is_visible("nav a")
        visitor.page.tap("#menu")
        links = visitor.page.locator("nav a")
        panels = visitor.page.evaluate("fetch('/api/site').then((a) => a.json()).then((site) => site.runs[0].panels)")
        assert links.count() == len(panels) > 9
        box = visitor.page.locator(".bottom").bounding_box()
        for link in links.all():
            place = link.bounding_box()
            assert 0 <= place["x"] <= place["x"] + place["width"] <= 390
            assert 0 <= place["y"] <= place["y"] + place["height"] <= box["y"]
            assert place["height"] >= 40
        visitor.page.keyboard.press("Escape")
        assert not visitor.page.is_visible("nav a")
        visitor.page.tap("#menu")
        visitor.page.locator("nav").get_by_role("link", name="Inpaint").tap()
        visitor.page.wait_for_selector("h1:text('Inpaint')")
        assert not visitor.page.is_visible("nav a")


def test_a_run_that_is_not_open_is_said(visitor: Visitor) -> None:
    visitor.go("panel=reconstruct&run=gone&image=d3")
    visitor.page.wait_for_selector("[role=alert]:has-text('The run \"gone\" is not open here')")


def test_a_panel_that_cannot_be_loaded_is_said(visitor: Visitor) -> None:
    visitor.page.route("**/panels/reconstruct.js", lambda route: route.abort())
    visitor.go("panel=reconstruct&image=d3")
    visitor.page.wait_for_selector("[role=alert]:has-text('could not be loaded')")
    visitor.complaints.clear()  # the browser notes what failed


def test_small_images_are_magnified_by_whole_numbers_and_not_beyond_16(visitor: Visitor) -> None:
    visitor.go("panel=reconstruct&image=d3")
    visitor.page.wait_for_selector(".figures img[src^='data:']")
    for image in visitor.page.locator("figure img, .strip img").all():
        image.wait_for()
        box = image.bounding_box()
        times = min(box["width"] / 6, box["height"] / 8)
        assert times == pytest.approx(round(times), abs=0.01)
        assert times <= 16


def test_three_runs_stand_beside_the_image(visitor: Visitor) -> None:
    visitor.go("panel=compare&image=d3")
    drawn = [visitor.image(f"{name}: what it draws") for name in ("one", "two", "three")]
    apart = [visitor.image(f"{name}: where it differs") for name in ("one", "two", "three")]
    assert len(set(drawn)) == 3 == len(set(apart))
    assert visitor.page.locator(".column h2").all_inner_texts() == [
        "Original",
        "one (fake)",
        "two (fake)",
        "three (fake)",
    ]
    visitor.page.wait_for_selector(".near >> nth=2")
    assert visitor.page.locator(".near").first.locator(".thumb").count() == 6
    visitor.page.get_by_role("button", name="×16").click()
    visitor.changed("one: where it differs", apart[0])
    visitor.page.wait_for_selector(".column:nth-child(2) figcaption:has-text('difference ×16')")
    visitor.page.get_by_role("button", name="two", exact=True).click()
    visitor.until("document.querySelectorAll('.column').length === 3 && location.hash.includes('with=three')")


def test_worst_cases_are_where_one_is_worse(visitor: Visitor) -> None:
    visitor.go("panel=compare&image=d3")
    said = visitor.page.locator("p[role=status]:has-text('Of 12 of 12 images')").inner_text()
    assert "one is worse on " in said
    worst = visitor.page.locator("[aria-label='Worst cases'] .thumb")
    pairs = [[float(value) for value in text.removesuffix(" dB").split(" / ")] for text in worst.all_inner_texts()]
    assert pairs
    gaps = [better - worse for worse, better in pairs]
    assert min(gaps) > -0.05
    assert all(before >= after - 0.2 for before, after in pairwise(gaps))
    visitor.page.select_option("[aria-label='The run that is better']", "three")
    visitor.page.wait_for_selector("[aria-label='Worst cases'] .thumb >> nth=0")
    visitor.until("location.hash.includes('than=three')")


def test_runs_are_moved_by_one_control(visitor: Visitor) -> None:
    visitor.go("panel=compare&image=d3&way=interpolate")
    middle = [visitor.image(f"{name}:") for name in ("one", "two", "three")]
    visitor.page.locator(".slider input").press("End")
    ends = [visitor.changed(f"{name}:", before) for name, before in zip(("one", "two", "three"), middle, strict=True)]
    assert len(set(ends)) == 3
    visitor.page.get_by_role("button", name="Copy the command").click()
    lines = visitor.page.inner_text("code.command").splitlines()
    assert [line.split(" --out ")[-1] for line in lines] == ["one.png", "two.png", "three.png", "compare.png"]


def test_every_panel_says_its_command(visitor: Visitor) -> None:
    for panel in (name for name in PANELS if name != "label"):  # nothing is trained on noise
        visitor.go(f"panel={panel}&image=d3")
        visitor.page.get_by_role("button", name="Copy the command").click()
        visitor.page.wait_for_selector("code.command")
        assert "latelier " in visitor.page.inner_text("code.command"), panel


# Pairs of controls that lie on each other, or nearer than 2 px, and cells whose text does not fit into them.
CROWDED = """() => {
  const seen = (chosen) => [...document.querySelectorAll(`main :is(${chosen})`)].filter((one) => one.checkVisibility());
  const name = (one) => one.getAttribute("aria-label") || one.textContent || one.placeholder;
  const found = seen("button, select, textarea, input:not([type=file], [type=range])")
    .filter((one) => !one.closest(".cells, .strip, .list, .choices"))
    .map((one) => [name(one), one.getBoundingClientRect()]);
  const meet = (one, other) => one.left < other.right + 2 && other.left < one.right + 2
    && one.top < other.bottom + 2 && other.top < one.bottom + 2;
  const pairs = found.flatMap(([one, box], i) =>
    found.slice(i + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${one} / ${other}`));
  const cut = seen("td, th").filter((one) => one.scrollWidth > one.clientWidth + 1);
  return [...pairs, ...cut.map((one) => one.textContent)];
}"""


@pytest.mark.parametrize("size", [(1280, 800), (820, 1100), (360, 740)])
def test_no_control_lies_on_another_and_no_cell_is_cut(three: str, size: tuple[int, int]) -> None:
    with visiting(three, viewport={"width": size[0], "height": size[1]}) as visitor:
        for panel in PANELS:
            visitor.go(f"panel={panel}&image=d3")
            visitor.page.wait_for_load_state("networkidle")
            assert visitor.page.evaluate(CROWDED) == [], panel


def test_a_button_that_does_nothing_does_not_look_as_if(visitor: Visitor) -> None:
    visitor.go("panel=label")
    visitor.page.wait_for_selector("text=Labels of these images are not trained on.")
    begin = visitor.page.get_by_role("button", name="Train with these labels")
    assert begin.is_disabled()
    colour = "(one) => getComputedStyle(one).backgroundColor"
    undo = visitor.page.get_by_role("button", name="Undo (Z)")
    undo.evaluate("(one) => { one.disabled = true; }")
    assert begin.evaluate(colour) == undo.evaluate(colour)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(three: str, scheme: str) -> None:
    with visiting(three, color_scheme=scheme) as visitor:
        for panel in PANELS:
            visitor.go(f"panel={panel}&image=d3")
            visitor.page.wait_for_load_state("networkidle")
            assert visitor.page.evaluate(FAINT) == [], panel


def test_long_names_of_classes_break_between_words_alone(visitor: Visitor) -> None:
    visitor.go("panel=classify&image=d3")
    visitor.page.wait_for_selector(".classes tbody th")
    lines = """(name) => {
      const cell = document.querySelector(".classes tbody th");
      cell.firstChild.data = name;
      const range = document.createRange();
      range.selectNodeContents(cell.firstChild);
      return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
    }"""
    assert visitor.page.evaluate(lines, "television") == 1
    assert visitor.page.evaluate(lines, "household electrical devices") <= 3
