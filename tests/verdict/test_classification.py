"""What is printed of a classifier's answers."""

import json
from typing import Any

import numpy as np
import pytest

from latelier.scores.calibration import Bins, error_by_chance, expected_calibration_error
from latelier.verdict.classification import PAIRS, WIDTH, Answers, calibration_text, confusion_text, guessing


def both(n: int, classes: int, wrong: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels in turn, and answers of which the first ``wrong`` are the next class."""
    truth = np.arange(n) % classes
    return truth, (truth + (np.arange(n) < wrong)) % classes


def test_of_few_classes_the_whole_table_is_shown() -> None:
    lines = confusion_text(*both(9, 3, 1), ["cat", "dog", "cow"]).splitlines()
    assert [line.split() for line in (lines[2], *lines[4:7])] == [
        ["cat", "dog", "cow", "right"],
        ["cat", "2", "1", "0", "67%"],
        ["dog", "0", "3", "0", "100%"],
        ["cow", "0", "0", "3", "100%"],
    ]


def test_classes_that_do_not_occur_are_left_out_and_one_that_is_only_answered_is_not() -> None:
    text = confusion_text(np.array([0, 0]), np.array([0, 2]), ["cat", "dog", "cow"])
    assert "dog" not in text
    assert text.splitlines()[-2].split() == ["cow", "0", "0", "-"]


def test_twelve_classes_of_long_names_fit_a_terminal_by_their_numbers() -> None:
    names = [f"the kind of things called {number:02}, or so they say" for number in range(12)]
    lines = confusion_text(*both(12_000, 12, 500), names).splitlines()
    assert max(map(len, lines)) <= WIDTH + 30
    assert lines[2].split()[:12] == [str(i) for i in range(1, 13)]
    assert lines[4].startswith("1 the kind of things called 0...")
    assert len(lines) == 17


def test_of_more_classes_the_pairs_that_are_confused_most() -> None:
    names = [f"class {number}" for number in range(30)]
    truth, answer = both(300, 30, 60)
    answer[0] = 7  # so that one pair occurs once
    lines = confusion_text(truth, answer, names).splitlines()
    assert lines[0] == "confused most often"
    assert len(lines) == PAIRS + 5
    assert lines[4].split() == ["class", "1", "class", "2", "2", "20%"]
    assert confusion_text(truth, truth, names) == "no class is taken for another"


def test_accuracy_stands_beside_guessing() -> None:
    truth, names = np.array([0] * 6 + [1] * 2), ["cat", "dog"]
    answer = np.zeros(8, int)
    said = "always the largest class, cat: 75 %; balanced accuracy (mean over classes): 50 %"
    assert guessing(truth, answer, names) == said
    assert guessing(truth[4:], answer[4:], names) == "always the largest class, cat: 50 %"
    assert "there is no other" in guessing(truth[:3], answer[:3], names)


def test_calibration_stands_beside_chance() -> None:
    probability: Any = np.float32([[0.9, 0.1]] * 4)
    truth = np.array([0, 0, 1, 1])
    before = "expected calibration error (15 bins): 40 %"
    assert calibration_text(Bins().add(probability, truth), None).startswith(
        f"{before}; right probabilities would show 12 % of"
    )
    mended: Any = np.float32([[0.5, 0.5]] * 4)
    both = (Bins().add(values, truth) for values in (probability, mended))
    assert calibration_text(*both).startswith(f"{before} before the temperature, 0 % after; ")


def test_answers_that_come_in_blocks_and_through_json_are_counted_as_at_once() -> None:
    rng = np.random.default_rng(0)
    raw, mended = (rng.dirichlet(np.ones(4), 300).astype(np.float32) for _ in range(2))
    truth, whole, parts = rng.integers(0, 4, 300), Answers(4), Answers(4)
    whole.add(truth, raw, mended)
    for part in (slice(100), slice(100, 300)):
        parts = Answers.of(4, json.loads(json.dumps(parts.state())))
        parts.add(truth[part], raw[part], mended[part])
    assert (parts.counts == whole.counts).all()
    assert sorted(zip(*parts.each(), strict=True)) == sorted(zip(truth, raw.argmax(1), strict=True))
    assert parts.raw.error() == pytest.approx(expected_calibration_error(raw, truth))
    assert parts.mended.by_chance() == pytest.approx(error_by_chance(mended))
