"""The map as a person uses it, in a real browser."""

import re
import urllib.request
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from explore.able import Able
from explore.browser import Visitor, served, visiting

import latelier.explore

STYLES = Path(latelier.explore.__file__).parent / "static" / "style"
IMAGE = (1, 8, 6)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(Able(IMAGE)) as address:
        yield address


class Mapped:
    """The map, once it is drawn, and where its points are on the page."""

    def __init__(self, visitor: Visitor, address: str = ""):
        self.visitor, self.page = visitor, visitor.page
        visitor.go(f"panel=map{address}")
        self.page.wait_for_selector(".legend button, .scale i")
        self.canvas = self.page.locator("canvas.plane")
        with urllib.request.urlopen(f"{visitor.base}api/one/map/place.bin?way=pca") as answer:
            self.place = np.frombuffer(answer.read(), "<f4").reshape(-1, 2)

    @property
    def at(self) -> np.ndarray:
        """[n, 2]: where the points are on the page now."""
        box = self.canvas.bounding_box()
        middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
        found: np.ndarray = middle + self.place * (0.46 * min(box["width"], box["height"]) * np.array([1, -1]))
        return found

    def drag(self, *corners: float) -> None:
        self.page.mouse.move(*corners[:2])
        self.page.mouse.down()
        self.page.mouse.move(*corners[2:], steps=3)
        self.page.mouse.up()

    def box(self, row: int, margin: float = 8) -> int:
        """Draws a box around that point; how many are in it."""
        at = self.at
        x, y = at[row].tolist()
        self.drag(x - margin, y - margin, x + margin, y + margin)
        return int((abs(at - at[row]) < margin).all(1).sum())

    def whole(self) -> None:
        """Draws a box around all points, from within the canvas, whose corners are round."""
        box = self.canvas.bounding_box()
        self.drag(box["x"] + 5, box["y"] + 5, box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)

    def selected(self, count: int) -> None:
        self.page.wait_for_selector(f"text={count} images are selected")


def test_points_are_pointed_at_boxed_hidden_and_opened(base: str) -> None:
    with visiting(base) as visitor:
        mapped = Mapped(visitor)
        page = visitor.page
        page.mouse.move(*mapped.at[3].tolist())
        page.wait_for_selector("text=dog (3.png)")
        page.get_by_role("button", name="Box").click()
        place = mapped.canvas.bounding_box()
        first = mapped.box(3)
        mapped.selected(first)
        page.get_by_role("button", name="Clear").wait_for()
        assert mapped.canvas.bounding_box() == place  # or a box that is being drawn would be around other points
        page.keyboard.down("Shift")
        apart = int(np.linalg.norm(mapped.place - mapped.place[3], axis=1).argmax())
        second = mapped.box(apart)
        page.keyboard.up("Shift")
        mapped.selected(first + second)
        visitor.until("location.hash.includes('selection=')")
        cats = page.locator(".legend button", has_text="cat")
        cats.click()
        assert cats.get_attribute("aria-pressed") == "false"
        mapped.whole()
        mapped.selected(6)  # without those that are hidden: five dogs, and one that is unknown
        page.mouse.click(*mapped.at[3].tolist())
        visitor.until("location.hash.includes('panel=reconstruct') && location.hash.includes('image=d3')")


@pytest.mark.slow
def test_a_colour_and_a_way_are_chosen_and_kept_in_the_address(base: str) -> None:
    pytest.importorskip("openTSNE")
    with visiting(base) as visitor:
        mapped = Mapped(visitor)
        visitor.page.select_option("#colour", "error")
        visitor.page.wait_for_selector(".scale i >> nth=31")
        visitor.page.select_option("#colour", "cluster")
        visitor.page.wait_for_selector(".legend button:has-text('cluster 1')")
        visitor.page.select_option("#way", "tsne")
        visitor.page.wait_for_selector("text=t-SNE keeps neighbours together")
        visitor.until("location.hash.includes('way=tsne') && location.hash.includes('colour=cluster')")
        visitor.page.reload()
        visitor.page.wait_for_selector("text=t-SNE keeps neighbours together")
        assert mapped.page.input_value("#colour") == "cluster"


@pytest.mark.slow
def test_keys_alone_select_and_open(base: str) -> None:
    with visiting(base) as visitor:
        mapped = Mapped(visitor)
        mapped.canvas.focus()
        visitor.page.keyboard.press(" ")
        mapped.selected(1)
        visitor.page.keyboard.press("Escape")
        visitor.page.wait_for_selector("text=Nothing is selected")
        visitor.page.keyboard.press("Enter")
        visitor.until("location.hash.includes('panel=reconstruct')")


@pytest.mark.slow
def test_images_stand_where_there_is_room(base: str) -> None:
    """Twelve points leave room for their images; a sum of what is drawn tells whether they are there."""
    drawn = """() => {
      const canvas = document.querySelector("canvas.plane");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((sum, value, i) => sum + (i % 4 === 3 && value > 0), 0);
    }"""
    with visiting(base) as visitor:
        Mapped(visitor)
        visitor.until(f"({drawn})() > 3000")
        visitor.page.get_by_role("button", name="Images", exact=True).click()
        visitor.until(f"({drawn})() < 3000")


def test_images_of_near_points_do_not_lie_on_each_other(base: str) -> None:
    """Of three points, two of which are nearer than an image is wide and in two cells, two have theirs."""
    shown = """async (place) => {
      const { Thumbs } = await import("./static/lib/thumbs.js");
      const eachInView = (visit) => [0, 1, 2].forEach((i) => visit(i));
      const thumbs = new Thumbs(() => "", () => {});
      thumbs.load = () => {};
      thumbs.choose({ eachInView, place: Float32Array.from(place), rows: [0, 1, 2], view: () => ({ unit: 100 }) });
      return thumbs.shown;
    }"""
    with visiting(base) as visitor:
        visitor.go("panel=look")
        assert visitor.page.evaluate(shown, [0.5, 0, 0.6, 0, 0.5, 0.9]) == [0, 2]


def test_what_is_waited_for_is_said(base: str) -> None:
    with visiting(base) as visitor:
        waiting = {"status": 202, "content_type": "application/json", "body": '{"waiting": 0.5}'}
        visitor.page.route("**/map/way", lambda route: route.fulfill(**waiting))
        visitor.go("panel=map")
        visitor.page.wait_for_selector("text=Placing the codes by principal components: 50 %.")


def test_names_stand_where_their_points_are_densest(base: str) -> None:
    """Of a class in two places the name stands in the larger one, and not on the empty ground between."""
    named = """async (place) => {
      const { byClass } = await import("./static/lib/dress.js");
      const { scheme } = await import("./static/lib/colours.js");
      const column = { kind: "class", classes: ["apart", "one"] };
      const values = Int32Array.from([0, 0, 0, 0, 0, 1]);
      return byClass(column, values, Float32Array.from(place), scheme(document.body), new Set()).names;
    }"""
    place = [-0.9, 0, -0.91, 0.01, 0.8, 0.5, 0.81, 0.5, 0.8, 0.51, 0, 0]
    with visiting(base) as visitor:
        visitor.go("panel=look")
        first, second = visitor.page.evaluate(named, place)
    assert (first["text"], second["text"]) == ("apart", "one")
    assert abs(first["x"] - 0.8) < 0.02
    assert abs(first["y"] - 0.5) < 0.02
    assert (second["x"], second["y"]) == (0, 0)


def test_long_names_are_cut_and_stand_whole_at_an_edge(base: str) -> None:
    said = """async (names) => {
      const { Plane } = await import("./static/lib/plane.js");
      const written = [];
      const context = { measureText: (text) => ({ width: 7 * text.length }), fillRect() {} };
      context.fillText = (...one) => written.push(one);
      const colours = { ground: [0, 0, 0], ink: [9, 9, 9] };
      const view = () => ({ x: 0, y: 0, unit: 200 });
      Plane.prototype.name.call({ context, colours, names, view, width: 400, height: 100 });
      return written;
    }"""
    with visiting(base) as visitor:
        visitor.go("panel=look")
        names = [{"text": "x" * 60, "x": -1, "y": 0}, {"text": "near", "x": 0.6, "y": 0}]
        first, second = visitor.page.evaluate(said, names)
    assert first == ["x" * 23 + "\u2026", 7 * 24 / 2 + 5, 50]
    assert second == ["near", 320, 50]


# ---- colours


def schemes() -> dict[str, dict[str, str]]:
    """Name -> colour of the light page and of the dark one."""
    found: dict[str, dict[str, str]] = {"light": {}, "dark": {}}
    for sheet in ("base.css", "map.css"):
        light, _, dark = (STYLES / sheet).read_text().partition("@media (prefers-color-scheme: dark)")
        for name, text in (("light", light), ("dark", light), ("dark", dark)):
            found[name] |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text))
    return found


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    found: np.ndarray = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return found


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear light."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(matrix @ np.clip(light, 0, 1) / [0.95047, 1, 1.08883], 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


BLIND = {  # Machado, Oliveira and Fernandes 2009, the whole loss of one kind of cone
    "none": np.eye(3),
    "red": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]]),
    "green": np.array([[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
    "blue": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_points_stand_out_from_their_ground(scheme: str) -> None:
    colours = schemes()[scheme]
    points = [name for name in colours if name.startswith(("class-", "ramp-", "unknown"))]
    assert len(points) == 14
    low = {name: contrast(colours[name], colours["sunk"]) for name in points}
    assert {name: value for name, value in low.items() if value < 3} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("blind", BLIND)
def test_colours_of_classes_stay_apart_for_every_reader(scheme: str, blind: str) -> None:
    colours = schemes()[scheme]
    seen = [lab(BLIND[blind] @ linear(colours[f"class-{i}"])) for i in range(1, 9)]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 20
