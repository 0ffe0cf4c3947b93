"""Figures as people read them: no digit that chance decides, and no accuracy without what guessing gets."""

import re
from pathlib import Path

import pytest

from latelier.sheets.sheet import signed
from latelier.terminal.tables import counted, curves, number, percent, score_table, with_sd, with_spread


@pytest.mark.parametrize(
    ("value", "sd", "text"),
    [
        (98.68, 0.3347, "98.7 ± 0.3"),
        (84.13, 2.13, "84 ± 2"),
        (1.234, 0.0996, "1.23 ± 0.10"),
        (1.0, 0.194, "1.00 ± 0.19"),
        (1.0, 0.196, "1.0 ± 0.2"),
        (50.04, 9.6, "50 ± 10"),
        (12345.6, 134.2, "12,346 ± 134"),
        (7.25, 0.0, "7.25"),
        (100.0, 0.0, "100"),
        (-0.001, 0.3, "0.0 ± 0.3"),
        (float("nan"), 0.3, "nan ± 0.3"),
    ],
)
def test_a_figure_is_rounded_to_its_spread(value: float, sd: float, text: str) -> None:
    assert with_sd(value, sd) == text


@pytest.mark.parametrize(("n", "text"), [(60, "93 %"), (999, "93 %"), (10_000, "93.3 %"), (200_000, "93.28 %")])
def test_a_percentage_has_the_decimals_that_so_many_images_allow(n: int, text: str) -> None:
    assert percent(93.28, n) == text


def test_a_number_has_no_minus_before_zero_and_no_exponent_where_it_needs_none() -> None:
    assert [number(value) for value in (-0.0, 1280.0, 12_345.6, 8.6e-5)] == ["0", "1,280", "12,346", "0.00008600"]
    assert [number(value, 3) for value in (1282.4, 9.999, float("nan"))] == ["1,282", "10", "nan"]
    assert percent(-0.001, 60) == "0 %"
    assert [signed(value, "+.1f") for value in (-0.01, -0.3)] == ["+0.0", "\N{MINUS SIGN}0.3"]


def test_no_other_module_writes_percentages_with_decimals_of_its_own() -> None:
    """They would say more than so few images can."""
    sources = (Path(__file__).parents[2] / "src").rglob("*.py")
    found = {path.name: re.findall(r":,?\.[1-9](?:f\} ?%|%\})", path.read_text()) for path in sources}
    assert found.pop("drawing.py") == [":.1f}%"]  # the width of a bar
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_one_thing_has_no_plural() -> None:
    assert [counted(n, "step") for n in (0, 1, 2_000)] == ["0 steps", "1 step", "2,000 steps"]


def test_spreads_and_errors_of_means_go_with_their_figures() -> None:
    values = {"a %": 98.68, "a % sd": 0.3347, "b nats": -61.27, "b nats se": 1.44, "c": 0.123456, "old se": 3.0}
    assert with_spread(values, 10_000) == {"a %": "98.7 ± 0.3", "b nats": "-61.3 ± 1.4", "c": "0.1235", "old se": "3"}
    assert with_spread(values, 60) == {"a %": "99", "b nats": "-61.3 ± 1.4", "c": "0.123", "old se": "3"}


def test_the_commonest_class_stands_among_the_accuracies() -> None:
    values = {"majority %": 54.0, "linear codes 5/class %": 49.0, "linear codes all %": 60.0, "head %": 70.0}
    plain, over = curves(with_spread(values, 10))
    assert plain == {"head %": "70"}
    assert over == {
        "linear codes %": {"5/class": "49", "all": "60"},
        "majority %": {"5/class": "54", "all": "54"},
    }
    assert curves({"majority %": "54"}) == ({"majority %": "54"}, {})
    record = {"name": "probe", "values": values, "n": 10, "seconds": 1.0, "protocol": "So."}
    lines = score_table([record], "t").splitlines()
    below = next(place for place, line in enumerate(lines) if line.startswith("linear codes %"))
    assert lines[below + 1].split() == ["majority", "%", "54", "54"]


def test_how_it_was_measured_is_said_last_and_only_if_asked_for() -> None:
    record = {"name": "probe", "values": {"a": 1.0}, "n": 10, "seconds": 1.0, "protocol": "So.", "verdict": "Good."}
    untaken = {"name": "other", "reason": "no labels"}
    short, long = (score_table([record, untaken], "t", protocols) for protocols in (False, True))
    assert "So." not in short
    assert "--protocols" in short.splitlines()[-1]
    assert long.splitlines()[-1] == "probe: So."
    for text in (short, long):
        assert "probe: Good." in text
        assert "other: not taken; no labels" in text
    assert "--protocols" not in score_table([untaken], "t")
