import numpy as np
import pytest

from latelier.scores.confusion import balanced_accuracy, confusion, most_confused, uneven

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
ANSWER = np.array([0, 0, 1, 1, 1, 0, 1, 1, 2])


def test_rows_are_classes_and_columns_answers() -> None:
    counts = confusion(TRUTH, ANSWER, 4)
    assert counts.tolist() == [[2, 2, 0, 0], [1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0]]
    assert confusion(TRUTH[:0], ANSWER[:0], 2).tolist() == [[0, 0], [0, 0]]


def test_pairs_come_by_how_often() -> None:
    pairs = most_confused(confusion(TRUTH, ANSWER, 4), 10)
    assert [tuple(pair) for pair in pairs] == [(0, 1, 2, 0.5), (2, 1, 2, pytest.approx(2 / 3)), (1, 0, 1, 0.5)]
    assert most_confused(confusion(TRUTH, ANSWER, 4), 1) == pairs[:1]
    assert most_confused(confusion(TRUTH, TRUTH, 4), 10) == []


def test_balanced_accuracy_is_a_mean_over_the_classes_that_occur() -> None:
    assert balanced_accuracy(TRUTH, ANSWER) == pytest.approx((0.5 + 0.5 + 1 / 3) / 3)
    assert balanced_accuracy(np.array([0] * 9 + [1]), np.zeros(10, int)) == 0.5
    assert balanced_accuracy(np.array([3]), np.array([3])) == 1


@pytest.mark.parametrize(("counts", "is_uneven"), [((4, 4), False), ((6, 4), False), ((7, 4), True), ((5,), False)])
def test_classes_are_uneven_from_one_and_a_half_on(counts: tuple[int, ...], is_uneven: bool) -> None:
    assert uneven(np.repeat(np.arange(len(counts)) * 2, counts)) is is_uneven
