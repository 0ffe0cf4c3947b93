from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest

from latelier.page import SKIPPED, Material, Picture, Table, page
from latelier.pictures.sheet import png

VOID = {"meta", "link", "img", "br", "polyline"}
EVIL = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=alert(1)>&amp;"
SHEET = np.random.default_rng(0).integers(0, 256, (30, 70, 3), dtype=np.uint8)
LOG = [{"seen": 100 * i, "images_per_second": 50.0, "terms": {"elbo": -90.0 + i}} for i in range(1, 600)]


class Parsed(HTMLParser):
    """Every element with its attributes, and the text of the page; fails where elements do not close in order."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def material(word: str = "zebra", **changes: object) -> Material:
    """A page with something, and the word, in every place."""
    filled = {
        "title": word,
        "summary": word,
        "facts": {word: word},
        "tables": [Table(word, [word, word], [[word, "1"], [word, word]], word, frozenset({(1, 1)}))],
        "pictures": [Picture(word, word, png(SHEET))],
        "log": [{**record, "terms": {word: 1.0 / record["seen"]}} for record in LOG],
        "skipped": [word],
        "remarks": [word],
        "commands": [word],
    }
    return Material(**(filled | changes))


@pytest.mark.parametrize("word", ["zebra", EVIL])
def test_a_page_asks_for_nothing_and_runs_nothing(word):
    html = page(material(word))
    parsed = Parsed(html)
    assert not parsed.all("script")
    for _, attributes in parsed.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "srcset", "action", "data", "poster", "style"):
                assert value is not None
                assert value.startswith("data:")
                assert "//" not in value.partition("base64,")[0]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_what_comes_from_outside_is_text_wherever_it_stands():
    assert Parsed(page(material(EVIL))).text.count(EVIL) == Parsed(page(material("zebra"))).text.count("zebra") == 18
    image = Parsed(page(material(EVIL))).all("img")
    assert [attributes["alt"] for attributes in image] == [f"{EVIL}: {EVIL}"]


def test_pictures_are_inside_with_their_size():
    (attributes,) = Parsed(page(material())).all("img")
    assert b64decode((attributes["src"] or "").removeprefix("data:image/png;base64,")) == png(SHEET)
    assert (attributes["width"], attributes["height"]) == ("70", "30")


def test_the_winners_alone_are_marked():
    rows = [["a", "1.5", "2"], ["b", "1.0", "3"]]
    html = page(Material("t", "s", tables=[Table("x", ["", "p", "q"], rows, winners=frozenset({(0, 1), (1, 2)}))]))
    assert html.count("★") == 3  # two winners and the legend
    assert "<b>1.5 ★</b>" in html
    assert "<b>3 ★</b>" in html
    assert "★" not in page(Material("t", "s", tables=[Table("x", ["", "p", "q"], rows)]))


def test_numbers_stand_to_the_right_and_words_to_the_left():
    table = Table("x", ["name", "value", "verdict"], [["1", "−1.5 ± 2", "good"], ["2", "", "7 of 9"]])
    html = page(Material("t", "s", tables=[table]))
    assert html.count('class="number"') == 3  # the head and two cells of the second column
    assert '<td class="number">−1.5 ± 2</td>' in html


def test_what_is_empty_is_left_out():
    parsed = Parsed(page(Material("title", "summary")))
    assert not parsed.all("section")
    assert Parsed(page(Material("t", "s", tables=[Table("x", ["a"], [])]))).all("table")


def test_the_log_is_summed_up_with_a_curve_that_ends_where_training_did():
    parsed = Parsed(page(Material("t", "s", log=[*LOG, {"seen": 500, "validation": {"elbo": -77.25}}])))
    assert "59,900 images seen, 50 images/s" in parsed.text
    for word in ("elbo", "-89", "509", "-77.25", "nats an image"):
        assert word in parsed.text
    (curve,), (box,) = parsed.all("polyline"), parsed.all("svg")
    points = np.array([[float(x) for x in point.split(",")] for point in (curve["points"] or "").split()])
    width, height = float(box["width"] or 0), float(box["height"] or 0)
    assert 80 <= len(points) <= width
    assert (points >= 0).all()
    assert (points <= (width, height)).all()
    assert points[-1].tolist() == [width - 2, 2]  # the last value is the highest


@pytest.mark.parametrize("values", [[1.0], [float("nan")] * 3, [2.0, 2.0], [1.0, float("inf"), 3.0]])
def test_a_log_of_any_values_makes_a_page(values):
    log = [{"seen": i, "terms": {"loss": value}} for i, value in enumerate(values)]
    finite = [value for value in values if np.isfinite(value)]
    assert len(Parsed(page(Material("t", "s", log=log))).all("polyline")) == (len(finite) > 1)


def test_many_skipped_files_are_counted():
    html = page(Material("t", "s", skipped=[f"file {i}" for i in range(1000 + SKIPPED)]))
    assert "1,000 more" in html
    assert html.count("<li>") == SKIPPED


def test_names_that_no_encoding_knows_can_be_written():
    page(material("\udcff.png")).encode()
