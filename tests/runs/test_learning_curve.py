"""Whether a log says that its run is still learning."""

import numpy as np
import pytest

from latelier.core import Metric
from latelier.runs.learning_curve import by_heart, course, improving, worsening


def log(values: np.ndarray, term: str = "distortion", kind: str = "terms") -> list[dict[str, object]]:
    return [{"seen": number, kind: {term: float(value), "rate": 1.0}} for number, value in enumerate(values)]


TIME = np.linspace(0.01, 1, 100)
NOISE = np.random.default_rng(0).normal(size=100)


@pytest.mark.parametrize(("term", "sign"), [("distortion", 1), ("elbo", -1)])
def test_a_loss_that_falls_to_the_end_still_improves(term: str, sign: int) -> None:
    found = course(log(sign * (100 - 50 * TIME + NOISE), term))
    assert found is not None
    assert improving(found)
    assert not worsening(found)
    assert found.gain == pytest.approx(50 * 0.5 / 75, rel=0.1)
    assert found.where == "training"


@pytest.mark.parametrize(
    "values",
    [
        100 * np.exp(-30 * TIME) + 50,  # has settled
        50 + 10 * NOISE,  # tells nothing
        100 - 1.5 * TIME,  # by less than anybody would see
    ],
)
def test_a_loss_that_has_settled_does_not(values: np.ndarray) -> None:
    found = course(log(values))
    assert found is not None
    assert not improving(found)
    assert not worsening(found)


def test_classes_that_are_all_but_certain_leave_nothing_to_gain() -> None:
    certain = course(log(1e-5 / (1 + TIME), "cross-entropy", kind="validation"))
    unsure = course(log(1 / (1 + TIME), "cross-entropy", kind="validation"))
    assert certain is not None
    assert unsure is not None
    assert not improving(certain)
    assert improving(unsure)


def test_a_log_with_values_that_are_not_finite_is_read_without_them() -> None:
    falling = 100 - 50 * TIME
    found = course(log(np.where(TIME > 0.9, np.inf, falling)))
    assert found is not None
    assert found.end > 50
    assert course(log(np.full(100, np.nan))) is None


def test_a_loss_that_rises_again_gets_worse() -> None:
    found = course(log(50 + 40 * (TIME - 0.5) ** 2 * np.where(TIME < 0.5, 1, 2)))
    assert found is not None
    assert worsening(found)
    assert not improving(found)


def test_images_held_out_are_heard_before_those_trained_on() -> None:
    falling, rising = 100 - 50 * TIME, 50 + 50 * TIME
    found = course([*log(falling), *log(rising[::5], kind="validation")])
    assert found is not None
    assert found.where == "validation"
    assert worsening(found)


@pytest.mark.parametrize(
    ("trained", "goes_on"), [(80 - 40 * TIME, False), (110 - 50 * TIME, True), (90 - 60 * TIME, False)]
)
def test_what_the_images_trained_on_alone_gain_is_learned_by_heart(trained: np.ndarray, goes_on: bool) -> None:
    """Held-out ones fall from 75 to 60 in the last half; those trained on end 20 below them, at the same, or 30."""
    found = course([*log(trained), *log(90 - 30 * TIME[::5], kind="validation")])
    assert found is not None
    assert (improving(found), by_heart(found)) == (goes_on, not goes_on)
    assert found.known == pytest.approx(trained[-10:].mean())
    settled = course([*log(trained), *log(60 + 0 * TIME[::5] + 0.1 * NOISE[::5], kind="validation")])
    assert settled is not None
    assert not by_heart(settled)  # the last half brought nothing that could be


def test_measures_of_training_stand_beside_those_of_validation() -> None:
    monitor = Metric("objective", words="distortion + penalty")

    def measures(terms: dict[str, float]) -> dict[str, float]:
        return {"objective": terms["distortion"] + terms["rate"]}

    held_out = log(90 - 30 * TIME[::5], "objective", kind="validation")
    records = [{"seen": 0, "terms": {"rate": 1.0}}, *log(80 - 40 * TIME), *held_out]
    found = course(records, monitor, measures)
    assert found is not None
    assert found.known == pytest.approx(1 + 80 - 40 * TIME[-10:].mean())
    assert by_heart(found)
    alone = course(log(80 - 40 * TIME, "absolute error"), monitor, lambda terms: {"objective": terms["absolute error"]})
    assert alone is not None
    assert (alone.term, alone.where) == ("objective", "training")


def test_a_run_whose_best_checkpoint_came_early_does_not_improve() -> None:
    dip = np.where(np.arange(20) == 5, 10.0, 90 - 30 * TIME[::5])
    found = course(log(dip, kind="validation"))
    assert found is not None
    assert found.best == pytest.approx(0.3)
    assert not improving(found)
    late = course(log(90 - 30 * TIME[::5], kind="validation"))
    assert late is not None
    assert improving(late)


def test_validation_that_is_one_and_the_same_tells_nothing() -> None:
    found = course([*log(100 - 50 * TIME), *log(np.zeros(20), "loss", kind="validation")], Metric("loss"))
    assert found is not None
    assert (found.term, found.where) == ("distortion", "training")


def test_few_records_and_other_terms_tell_nothing() -> None:
    assert course(log(100 - 50 * TIME[::20])) is None
    assert course(log(100 - 50 * TIME, "critic")) is None
    assert course([]) is None
