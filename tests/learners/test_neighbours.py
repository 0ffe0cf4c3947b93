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


@pytest.mark.parametrize("width", [3, 40])  # by a tree, and by comparison with all
def test_rows_in_blocks_have_the_neighbours_of_all_rows_at_once(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "HELD", 20)
    monkeypatch.setattr(neighbours, "BLOCK", 4)
    noise = np.random.default_rng(2)
    known, rows = (noise.normal(size=(n, width)).astype(np.float32) for n in (70, 9))
    known[60] = known[5]  # equally near: the first first
    place, away = neighbours.nearest_among(np.split(known, [7, 30, 31, 64]), rows, 12)
    far = np.linalg.norm(known[None].astype(np.float64) - rows[:, None], axis=2)
    expected = np.lexsort((np.broadcast_to(np.arange(70), far.shape), far), axis=1)[:, :12]
    assert (place == expected).all()
    np.testing.assert_allclose(away, np.take_along_axis(far, expected, 1), rtol=1e-5)
    whole = neighbours.Nearest(known).of(rows, 12)
    assert (whole[0] == place).all()


def test_fewer_rows_than_are_asked_for_are_all_of_them() -> None:
    known = np.array([[0.0], [3.0], [1.0]], np.float32)
    place, away = neighbours.nearest_among([known[:2], known[2:]], known[:1], 8)
    assert place.tolist() == [[0, 2, 1]]
    assert away.tolist() == [[0, 1, 3]]
