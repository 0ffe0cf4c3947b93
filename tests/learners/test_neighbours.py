"""``learners.neighbours`` against scikit-learn's vote, and its ties."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from latelier.learners import neighbours


@pytest.mark.parametrize("count", [1, 5])
def test_it_votes_as_scikit_learn_does(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", 32)  # several blocks, the last one short
    noise = np.random.default_rng(0)
    label = noise.integers(0, 4, 90) * 3 + 2  # classes that are no count from 0
    known = (noise.normal(size=(90, 6)) + label[:, None] / 6).astype(np.float32)
    rows = (noise.normal(size=(70, 6)) + 1).astype(np.float32)
    expected = KNeighborsClassifier(count, algorithm="brute").fit(known, label).predict(rows)
    assert (neighbours.nearest(known, label, rows, count) == expected).all()
    assert len(np.unique(expected)) > 1


def test_of_equal_votes_the_least_label_wins() -> None:
    known, label = np.array([[-1.0], [1.0]], np.float32), np.array([7, 3])
    assert neighbours.nearest(known, label, np.array([[0.1]], np.float32), 2) == [3]


def test_a_far_origin_costs_no_neighbour() -> None:
    noise = np.random.default_rng(1)
    known, label = noise.normal(size=(40, 3)).astype(np.float32), np.arange(40)
    rows = known + 1e-3
    answer = neighbours.nearest(known + np.float32(4096), label, rows + np.float32(4096), 1)
    assert (answer == label).all()
