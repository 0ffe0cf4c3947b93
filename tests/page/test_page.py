from base64 import b64decode
from html.parser import HTMLParser
from itertools import pairwise
from re import findall

import numpy as np
import pytest

from latelier.core import Finding
from latelier.page import OPEN, SKIPPED, Figure, Material, Table, page
from latelier.page.eight import Eight
from latelier.page.style import STYLE
from latelier.sheets.sheet import png
from latelier.verdict.headlines import Headline, Row

VOID = {"meta", "link", "img", "br", "polyline", "path", "rect"}
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
        "verdict": [Finding("good", word), Finding("note", f"Next: {word}")],
        "headlines": [Headline(word, [Row(word, 1.0, own=True), Row(word, 2.0)], word, word)],
        "eight": Eight(word, word, [png(SHEET)] * 8, word),
        "curve": word,
        "facts": {word: word},
        "tables": [Table(word, [word, word], [[word, "1"], [word, word]], word, frozenset({(1, 1)}), word)],
        "figures": [Figure(word, word, png(SHEET))],
        "undrawn": [(word, word)],
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
                assert value.startswith(("data:", "#"))
                assert "//" not in value.partition("base64,")[0]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_what_comes_from_outside_is_text_wherever_it_stands():
    assert Parsed(page(material(EVIL))).text.count(EVIL) == Parsed(page(material("zebra"))).text.count("zebra") == 31
    *eight, sheet = Parsed(page(material(EVIL))).all("img")
    assert [attributes["alt"] for attributes in eight] == [f"{EVIL}, {n} of 8" for n in range(1, 9)]
    assert sheet["alt"] == f"{EVIL}: {EVIL}"


def test_figures_are_inside_with_their_size():
    *_, attributes = Parsed(page(material())).all("img")
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
    assert not parsed.all("path")  # no large chart unless a term is named
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
    assert html.count("<li>file ") == SKIPPED


def test_names_that_no_encoding_knows_can_be_written():
    page(material("\udcff.png")).encode()


def test_the_first_screen_says_whether_the_run_is_good_beside_what_and_shows_it():
    html = page(material())
    first, _, rest = html.partition("<nav ")
    order = ["zebra</h1>", "Verdict</h2>", "Scores beside baselines</h2>", 'class="eight', 'class="chart"']
    assert [first.index(mark) for mark in order] == sorted(first.index(mark) for mark in order)
    assert '<li class="good"><span class="level">Good</span> <span>zebra</span></li>' in first
    assert '<span class="level">Next</span> <span><code>zebra</code></span>' in first
    assert "<img" in first
    for title in ("Sheets", "Scores", "Training", "Settings"):
        assert f'<a href="#{title.lower()}">{title}</a>' in rest
    sections = [element["id"] for element in Parsed(html).all("section")]
    assert sections[:4] == ["sheets", "scores", "training", "settings"]


def test_bars_are_as_long_as_their_values():
    rows = [Row("own", 20.0, own=True), Row("PCA", 25.0), Row("mean", 10.0)]
    bars = [bar["width"] for bar in Parsed(page(Material("t", "s", headlines=[Headline("x", rows)]))).all("rect")]
    assert bars == ["80.0%", "100.0%", "40.0%"]
    whole = Headline("x", [Row("own", 75.75, own=True), Row("none", 0.0)], most=100)
    parsed = Parsed(page(Material("t", "s", headlines=[whole])))
    assert [bar["width"] for bar in parsed.all("rect")] == ["75.8%", "0.0%"]
    assert "75.8" in parsed.text
    small = Headline("x", [Row("own", 0.0105, own=True), Row("Gaussian", 3.4e-5), Row("mean", 0.0226)])
    text = Parsed(page(Material("t", "s", headlines=[small]))).text
    assert [figure in text for figure in ("0.0105", "0.0000", "0.0226")] == [True] * 3  # to the same digit


def test_bars_of_few_figures_have_no_decimals():
    for n, shown in ((60, "own93"), (10_000, "own93.3")):
        headline = Headline("Classes", [Row("own", 93.28, own=True)], "% right", most=100, n=n)
        assert shown in Parsed(page(Material("t", "s", headlines=[headline]))).text.split()


def test_the_chart_shows_training_and_validation_of_one_term_at_the_height_of_what_follows_the_fall():
    fall = [{"seen": 0, "terms": {"loss": 9_000.0, "other": 1.0}}]
    log = [*fall, *({"seen": 1_000 * i, "terms": {"loss": 100.0 - i}} for i in range(1, 50))]
    html = page(
        Material("t", "s", log=[*log, *({"seen": s, "validation": {"loss": 70.0}} for s in (1, 49_000))], curve="loss")
    )
    training, validation, *_ = Parsed(html).all("polyline")
    heights = [float(point.split(",")[1]) for point in (training["points"] or "").split()]
    assert heights[0] < -100  # above the frame, beyond which nothing is drawn: the fall leaves the height to the rest
    assert heights[1] == min(heights[1:]) > 0
    assert len(set(heights)) > 40
    assert "stroke-dasharray" in validation
    assert "validation dashed" in html
    blind = [{"seen": s, "validation": {"label loss": 0.0, "labelled": 0.0}} for s in (1, 49_000)]
    told = [{"seen": 1_000 * i, "terms": {"label loss": 100.0 - i}} for i in range(1, 50)]
    html = page(Material("t", "s", log=[*told, *blind], curve="label loss"))
    assert "stroke-dasharray" not in html  # images without a label


def test_sheets_are_open_as_far_as_there_is_room_and_the_rest_is_folded():
    tall = png(np.zeros((OPEN // 2, 700, 3), np.uint8))
    html = page(Material("t", "s", figures=[Figure(name, name, tall) for name in "abcd"]))
    assert html.count("<figure>") == 2
    assert html.count("<summary><h3>") == 2
    assert [html.index(f"<h3>{name}</h3>") for name in "abcd"] == sorted(
        html.index(f"<h3>{name}</h3>") for name in "abcd"
    )


def test_how_a_score_was_measured_is_folded_away():
    html = page(Material("t", "s", tables=[Table("x", ["", "value"], [["a", "1"]], "seen", protocol="by hand")]))
    before, _, folded = html.partition("<details>")
    assert "seen" in before
    assert "by hand" not in before
    assert "by hand" in folded.partition("</details>")[0]


def test_headings_descend_step_by_step_and_what_scrolls_can_be_reached():
    parsed = Parsed(page(material()))
    levels = [int(tag[1]) for tag, _ in parsed.elements if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for tag, attributes in parsed.elements:
        if {"scroll", "card"} & set((attributes.get("class") or "").split()):
            assert (attributes["tabindex"], attributes["role"]) == ("0", "group")
            assert attributes["aria-label"]
        if tag == "table":
            assert attributes["aria-label"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_head_without_a_name_is_no_head():
    assert '<th scope="col"></th>' not in page(Material("t", "s", tables=[Table("x", ["", "p"], [["a", "1"]])]))


def luminance(colour: str) -> float:
    digits = "".join(2 * digit for digit in colour) if len(colour) == 3 else colour
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_what_it_stands_on(scheme):
    """The ratios of WCAG 2.2, 1.4.3 and 1.4.11."""
    blocks = STYLE.split("@media")
    colours = dict(findall(r"--(\w+): #([0-9a-f]{3,6})", blocks[0] if scheme == "light" else blocks[1]))
    assert len(colours) == 11
    for ground in ("paper", "card"):
        for name, least in {
            name: 3 if name == "base" else 4.5 for name in colours if name not in ("paper", "card", "line")
        }.items():
            lighter, darker = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= least, (name, ground)


def test_on_paper_all_is_open():
    printed = STYLE.partition("@media print")[2]
    assert "details::details-content { content-visibility: visible" in printed
