"""Precision, recall, density and coverage: the papers' definitions, taken literally, and answers that are known."""

import numpy as np
import pytest
import torch
from scores.fakes import LinearGaussian, Repaints, noise
from torch import Generator

from latelier.errors import Refusal
from latelier.scores.common import Splits
from latelier.scores.precision_recall import Spread, radii, score, spread, within


def ball(row: np.ndarray, others: np.ndarray, k: int) -> float:
    """The distance from a row to its k-th nearest of others, itself left out."""
    return sorted(np.sqrt(np.square(row - other).sum()) for other in others if other is not row)[k - 1]


def literal(truth: np.ndarray, drawn: np.ndarray, near: int, dense: int) -> Spread:
    """Kynkaanniemi et al. 2019, eqs. 1 and 2; Naeem et al. 2020, section 3: pair by pair."""
    real, fake = list(truth), list(drawn)

    def inside(point: np.ndarray, centre: np.ndarray, radius: float) -> bool:
        return bool(np.sqrt(np.square(point - centre).sum()) <= radius)

    about = {k: [ball(row, real, k) for row in real] for k in (near, dense)}
    about_fake = [ball(row, fake, near) for row in fake]
    pairs = [[inside(y, x, r) for x, r in zip(real, about[dense], strict=True)] for y in fake]
    return Spread(
        precision=float(np.mean([any(inside(y, x, r) for x, r in zip(real, about[near], strict=True)) for y in fake])),
        recall=float(np.mean([any(inside(x, y, r) for y, r in zip(fake, about_fake, strict=True)) for x in real])),
        density=sum(map(sum, pairs)) / (dense * len(fake)),
        coverage=float(np.mean([any(pair[i] for pair in pairs) for i in range(len(real))])),
    )


@pytest.mark.parametrize(("near", "dense"), [(1, 1), (3, 5), (4, 2)])
def test_the_values_are_the_definitions(near: int, dense: int) -> None:
    rng = np.random.default_rng(0)
    truth, drawn = rng.normal(size=(25, 3)), rng.normal(0.5, 0.8, size=(18, 3))
    found = spread(truth, drawn, near, dense)
    assert found == pytest.approx(literal(truth, drawn, near, dense), abs=1e-12)
    assert all(value > 0 for value in found)


def test_radii_leave_a_row_itself_out_but_not_its_copy() -> None:
    rows = np.array([[0.0], [0.0], [1.0], [3.0]])
    assert radii(rows, 1).tolist() == [0, 0, 1, 2]
    assert radii(rows, 2).tolist() == [1, 1, 1, 3]


def test_points_are_counted_in_closed_balls() -> None:
    balls, holding = within(np.array([[0.0], [4.0]]), np.array([1.0, 3.0]), np.array([[1.0], [2.0], [9.0]]))
    assert (balls.tolist(), holding.tolist()) == ([2, 1, 0], [1, 2])


def test_a_copy_of_the_set_has_one_everywhere() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 4))
    found = spread(rows, rows)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx((5 + 1) / 5)  # on average k balls hold an image, and its own does


def test_far_away_is_nothing_and_a_lost_mode_costs_recall_alone() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 1, (2, 300, 2)) + np.array([[[0.0, 0]], [[100.0, 0]]])
    truth = np.concatenate([left, right])
    assert spread(truth, truth + 1000) == (0, 0, 0, 0)
    one_mode = spread(truth, rng.normal(0, 1, (600, 2)))
    assert one_mode.precision > 0.9
    assert 0.4 < one_mode.recall < 0.55
    assert 0.4 < one_mode.coverage < 0.55


def test_samples_of_the_same_law_have_a_density_of_one() -> None:
    # Naeem et al. 2020: its expectation is 1 where the two laws are one, and coverage's 1 - 2^-k for large sets.
    rng = np.random.default_rng(0)
    found = [spread(*rng.normal(size=(2, 400, 3))) for _ in range(5)]
    assert np.mean([one.density for one in found]) == pytest.approx(1, abs=0.05)
    assert np.mean([one.coverage for one in found]) == pytest.approx(1 - 2**-5, abs=0.03)


def test_the_score_names_sets_and_perfect_reconstructions_are_everywhere() -> None:
    data = Splits(noise(30, (1, 8, 8), 1), noise(30, (1, 8, 8), 2))
    values = score(Repaints(data.test.shape, lambda image: image), data, Generator().manual_seed(0))
    assert [values[f"{name} of reconstructions"] for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    assert set(values) == {
        f"{name} of {kind}"
        for name in ("precision", "recall", "density", "coverage")
        for kind in ("reconstructions", "training images")
    }
    black = score(Repaints(data.test.shape, torch.zeros_like), data, Generator().manual_seed(0))
    assert black["precision of reconstructions"] == 0
    drawn = noise(8, (1, 2, 3))
    given = score(LinearGaussian(), Splits(drawn, drawn), Generator().manual_seed(0))
    assert "recall of samples" in given


def test_neighbours_beyond_the_images_are_refused() -> None:
    data = Splits(noise(5, (1, 4, 4)), noise(8, (1, 4, 4)))
    model = Repaints(data.test.shape, lambda image: image)
    for options in ({}, {"near": 0}, {"near": 2, "dense": 5}):
        with pytest.raises(Refusal, match="to less than the 5 images of the smaller split"):
            score(model, data, Generator(), **options)


@pytest.mark.parametrize(
    ("n", "m", "d", "shift", "expected"),
    [
        (300, 200, 8, 0.0, (0.99, 0.74333, 1.556, 0.95)),
        (400, 400, 16, 0.5, (0.9275, 0.33, 1.2805, 0.685)),
        (256, 512, 4, 1.0, (0.8418, 0.64844, 0.58789, 0.53906)),
    ],
)
def test_it_agrees_with_the_authors_code(n: int, m: int, d: int, shift: float, expected: tuple[float, ...]) -> None:
    """Values by prdc 0.2 (Naeem et al. 2020), k = 5; torch-fidelity 0.4 gives the same precision and recall."""
    rng = np.random.default_rng({300: 0, 400: 1, 256: 2}[n])
    truth = rng.normal(size=(n, d))
    drawn = 0.8 * rng.normal(size=(m, d)) + shift
    assert spread(truth, drawn, 5, 5) == pytest.approx(expected, abs=5e-5)
