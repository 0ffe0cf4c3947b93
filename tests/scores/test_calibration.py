"""Calibration: by hand, by synthetic predictions whose calibration is known, and a temperature that is known."""

import numpy as np
import pytest
from scipy.special import softmax

from latelier.scores.calibration import (
    BOUNDS,
    error_by_chance,
    expected_calibration_error,
    fit_temperature,
    tempered,
)


def drawn(n: int, classes: int = 5, scale: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits [n, classes] and labels drawn from the very probabilities that they give."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, scale, (n, classes))
    below = softmax(logits, 1).cumsum(1) < rng.random((n, 1))
    return logits, below.sum(1).clip(max=classes - 1)


def test_a_case_by_hand() -> None:
    """Two of the five answers lie in the bin (0.6, 0.667], one of them right; two in (0.867, 0.933], both right; one
    in (0.933, 1], wrong: (2 |0.65 - 0.5| + 2 |0.9 - 1| + 1 |0.97 - 0|) / 5."""
    sure = np.array([0.64, 0.66, 0.9, 0.9, 0.97])
    probability = np.stack([sure, 1 - sure], 1)
    label = np.array([0, 1, 0, 0, 1])
    assert expected_calibration_error(probability, label) == pytest.approx((0.3 + 0.2 + 0.97) / 5)
    spread = np.sqrt(2 / np.pi) * np.sqrt([0.64 * 0.36 + 0.66 * 0.34, 2 * 0.09, 0.97 * 0.03])
    assert error_by_chance(probability) == pytest.approx(spread.sum() / 5)


def test_bins_are_open_below_and_closed_above() -> None:
    """0.5 belongs to (0.25, 0.5] of four bins: with 0.3 the gaps cancel, and do not with 0.6."""
    both = np.array([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4], [0.4, 0.6, 0.0]])
    assert expected_calibration_error(both[:2], np.array([0, 0]), bins=4) == pytest.approx(abs(0.9 - 1) / 2)
    assert expected_calibration_error(both[[0, 2]], np.array([0, 0]), bins=4) == pytest.approx((0.5 + 0.6) / 2)


def test_sure_and_right_is_no_error_and_sure_and_wrong_all() -> None:
    sure = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert expected_calibration_error(sure, np.array([0, 1, 2, 0])) == 0
    assert expected_calibration_error(sure, np.array([1, 2, 0, 1])) == 1
    assert error_by_chance(sure) == 0
    assert expected_calibration_error(sure[:0], np.array([], int)) == 0
    assert error_by_chance(np.float32([[1.0000001, 0]])) == 0


def test_calibrated_predictions_have_an_error_near_0_and_overconfident_ones_have_not() -> None:
    logits, label = drawn(50_000)
    assert expected_calibration_error(softmax(logits, 1), label) < 0.01
    assert expected_calibration_error(softmax(2 * logits, 1), label) > 0.05


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_what_chance_gives_is_what_calibrated_predictions_show(n: int) -> None:
    found, told = [], []
    for seed in range(60):
        logits, label = drawn(n, seed=seed)
        probability = softmax(logits, 1)
        found.append(expected_calibration_error(probability, label))
        told.append(error_by_chance(probability))
    assert np.mean(told) == pytest.approx(np.mean(found), rel=0.15)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    """Of float32 probabilities, which is all that a classifier gives."""
    logits, label = drawn(20_000)
    given = softmax(logits * temperature, 1).astype(np.float32)
    found = fit_temperature(given, label)
    assert found == pytest.approx(temperature, rel=0.05)
    assert np.allclose(tempered(given, temperature), softmax(logits, 1), atol=1e-5)
    assert expected_calibration_error(tempered(given, found), label) < 0.015


def test_a_temperature_has_the_greatest_likelihood() -> None:
    logits, label = drawn(300)
    given = softmax(3 * logits, 1)
    found = fit_temperature(given, label)

    def loss(temperature: float) -> float:
        return float(-np.log(softmax(np.log(given) / temperature, 1)[np.arange(300), label]).mean())

    assert loss(found) < min(loss(found * 1.02), loss(found / 1.02))


def test_a_temperature_keeps_the_order_and_1_changes_nothing() -> None:
    logits, _ = drawn(200)
    given = softmax(logits, 1).astype(np.float32)
    assert np.allclose(tempered(given, 1.0), given, atol=1e-6)
    mended = tempered(given, 4.0)
    assert (mended.argsort(1) == given.argsort(1)).all()
    assert np.allclose(mended.sum(1), 1, atol=1e-6)
    assert (mended.max(1) < given.max(1)).all()


def test_answers_all_right_or_all_wrong_give_a_temperature_at_its_bounds() -> None:
    label = np.array([0, 1, 2, 3] * 10)
    unsure = softmax(0.3 * np.eye(4), 1)[label]
    assert fit_temperature(unsure, label) == pytest.approx(BOUNDS[0], rel=0.01)
    assert fit_temperature(unsure, (label + 1) % 4) == pytest.approx(BOUNDS[1], rel=0.01)


def test_probabilities_of_0_are_survived() -> None:
    label = np.array([0, 1, 2, 3] * 10)
    sure = np.eye(4, dtype=np.float32)[label]
    for told in (label, (label + 1) % 4):
        found = fit_temperature(sure, told)
        assert BOUNDS[0] <= found <= BOUNDS[1]
        assert np.isfinite(tempered(sure, found)).all()
