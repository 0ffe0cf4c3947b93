"""The measures of disentanglement on codes whose answer is known."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scores.fakes import crossed

from latelier.scores.factors import groups
from latelier.scores.factors.groups import beta_vae, factor_vae, grouped, pairs
from latelier.scores.factors.information import discretised, information, mig, mutual
from latelier.scores.factors.known import Known, skill
from latelier.scores.factors.prediction import by_thresholds, concentration, dci, sap

LEVELS = crossed(5, 4)  # every combination once: the factors are exactly independent
MEASURES = ("MIG", "SAP", "beta-VAE", "FactorVAE", "disentanglement", "completeness", "informativeness")


def measured(fit: Known, test: Known) -> dict[str, float]:
    return {
        "MIG": mig(*test),
        "SAP": sap(fit, test),
        "beta-VAE": beta_vae(fit, test, np.random.default_rng(1)),
        "FactorVAE": factor_vae(fit, test, np.random.default_rng(2)),
        **dci(fit, test, 0)._asdict(),
    }


def smooth(n: int, seed: int) -> Known:
    """Four factors, each alone in a latent, with noise; and two latents that know nothing."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 5, (n, 4))
    return Known(np.c_[levels + 0.3 * rng.normal(size=(n, 4)), rng.normal(size=(n, 2))], levels)


def test_a_latent_for_each_factor_scores_one() -> None:
    codes = (LEVELS * np.array([1.0, -3.0, 0.5, 2.0]) + np.array([0, 1, -7, 0]))[:, [2, 0, 3, 1]]
    exact = Known(np.c_[codes, np.zeros(len(codes))].astype(np.float32), LEVELS)
    assert measured(exact, exact) == pytest.approx(dict.fromkeys(MEASURES, 1.0), abs=1e-6)


def test_noise_within_a_level_costs_little() -> None:
    values = measured(smooth(2_000, 0), smooth(2_000, 1))
    assert all(0.7 < values[name] <= 1 for name in MEASURES), values


def test_a_rotation_that_spreads_each_factor_over_all_latents_leaves_nothing() -> None:
    codes = (LEVELS - 2.0) @ hadamard(4)
    values = measured(Known(codes, LEVELS), Known(codes, LEVELS))
    assert all(values[name] < 0.1 for name in ("MIG", "SAP", "disentanglement", "completeness")), values
    assert all(values[name] < 0.35 for name in ("beta-VAE", "FactorVAE")), values  # chance is 0.25
    assert values["informativeness"] > 0.4  # the levels are still told


def test_a_slight_rotation_costs_something() -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]]
    values = measured(Known(LEVELS @ turn, LEVELS), Known(LEVELS @ turn, LEVELS))
    assert all(0.4 < values[name] < 0.97 for name in ("MIG", "SAP", "disentanglement", "completeness")), values


def test_codes_that_know_nothing_are_at_chance() -> None:
    rng = np.random.default_rng(0)
    fit, test = (Known(rng.normal(size=(3_000, 6)), rng.integers(0, 5, (3_000, 4))) for _ in range(2))
    values = measured(fit, test)
    # 800 answers that are independent of the truth: 0.0153 is the sd of a right share of 1 in 4; 4 sd are passed by
    # chance in 6 of 100,000 seeds, for each of the two.
    assert values.pop("beta-VAE") == pytest.approx(0.25, abs=4 * 0.0153)
    assert values.pop("FactorVAE") == pytest.approx(0.25, abs=4 * 0.0153)
    assert all(value < 0.05 for value in values.values()), values


def test_constant_codes_are_at_chance() -> None:
    nothing = Known(np.zeros((len(LEVELS), 3)), LEVELS)
    assert measured(nothing, nothing) == pytest.approx(
        dict.fromkeys(MEASURES, 0.0) | {"beta-VAE": 0.25, "FactorVAE": 0.25}
    )


def test_two_factors_in_one_latent_are_complete_and_not_disentangled() -> None:
    levels = crossed(2, 2)[np.arange(400) % 4]
    known = Known(np.c_[levels @ [1.0, 2.0], np.zeros(400)], levels)
    assert dci(known, known, 0) == pytest.approx((0, 1, 1))


def test_a_factor_in_two_latents_is_disentangled_and_not_complete() -> None:
    levels = crossed(3, 2)[np.arange(900) % 9]
    known = Known(np.repeat(levels, 2, axis=1).astype(float), levels)
    values = measured(known, known)
    assert [values[name] for name in ("MIG", "SAP", "disentanglement")] == pytest.approx([0, 0, 1])
    assert values["completeness"] == pytest.approx(0.5, abs=0.2)  # half each of four: 1 - ln 2 / ln 4


@pytest.mark.parametrize("change", ["order", "scale", "shift", "sign", "factors", "rows"])
def test_what_must_not_matter(change) -> None:
    fit, test = smooth(1_500, 0), smooth(1_500, 1)
    rng = np.random.default_rng(2)

    def changed(known: Known) -> Known:
        codes, levels = known
        rows = rng.permutation(len(codes))
        return {
            "order": lambda: Known(codes[:, [3, 5, 0, 4, 2, 1]], levels),
            "scale": lambda: Known(codes * [1, 0.5, 2, 1, 4, 1], levels),
            "shift": lambda: Known(codes + np.arange(6), levels),
            "sign": lambda: Known(codes * [1, -1, 1, -1, -1, 1], levels),
            "factors": lambda: Known(codes, levels[:, [2, 0, 3, 1]]),
            "rows": lambda: Known(codes[rows], levels[rows]),
        }[change]()

    before, after = measured(fit, test), measured(changed(fit), changed(test))
    for name in ("MIG", "SAP"):
        assert after[name] == pytest.approx(before[name], abs=1e-9)
    for name in MEASURES[2:]:  # those that draw groups or thresholds draw others
        assert after[name] == pytest.approx(before[name], abs=0.05)


def test_latents_are_columns_and_never_mixed() -> None:
    """A reshape where a transpose is meant mixes the latents, in silence: scores near 0 for a perfect code."""
    codes = LEVELS.astype(float)
    n, d = codes.shape
    np.testing.assert_allclose(information(codes, LEVELS), np.log(5) * np.eye(d), atol=1e-12)
    assert mig(codes, LEVELS) == pytest.approx(1)
    mixed = codes.reshape(d, n).T  # what the mistake would read
    assert mig(mixed, LEVELS) < 0.1
    assert sap(Known(mixed, LEVELS), Known(mixed, LEVELS)) < 0.1
    each = np.concatenate([information(codes[:, [j]] + 0.1 * j, LEVELS) for j in range(d)])
    np.testing.assert_allclose(information(codes, LEVELS), each)


def test_mutual_information_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 300)
    b = (a + rng.integers(0, 2, 300)) % 3
    slow = 0.0
    for i, j in product(range(4), range(3)):
        joint = np.mean((a == i) & (b == j))
        slow += joint * np.log(joint / (np.mean(a == i) * np.mean(b == j))) if joint else 0
    assert mutual(a, b) == pytest.approx(slow)
    assert mutual(a, b) == pytest.approx(mutual(b, a))
    assert mutual(np.array([0, 0, 2, 2]), np.array([0, 0, 2, 2])) == pytest.approx(np.log(2))


def test_bins_are_equal_parts_of_each_latents_own_range() -> None:
    codes = np.array([[0, 5], [0.24, 5], [0.26, 5], [0.5, 5], [1, 5]])
    assert discretised(codes, 4).T.tolist() == [[0, 0, 1, 2, 3], [0, 0, 0, 0, 0]]


def test_skill_is_balanced_and_counted_from_chance() -> None:
    level = np.array([0] * 8 + [3] * 2)
    assert skill(level, level) == 1
    assert skill(np.zeros(10), level) == 0
    assert skill(np.array([0] * 9 + [3]), level) == pytest.approx(0.5)  # of 8 all, of 2 one: 0.75
    assert skill(3 - level, level) == 0  # worse than chance is no less than nothing


def test_thresholds_lie_halfway_between_the_means_of_levels_in_any_order() -> None:
    code, level = np.array([0.0, 2, 10, 20]), np.array([7, 7, 1, 4])  # means 1, 10, 20
    assert by_thresholds(code, level, np.array([-9, 5.4, 5.6, 14.9, 15.1])).tolist() == [7, 7, 1, 1, 4]


def test_concentration_of_one_two_and_all() -> None:
    rows = np.array([[3.0, 0, 0, 0], [1, 1, 0, 0], [2, 2, 2, 2], [0, 0, 0, 0]])
    np.testing.assert_allclose(concentration(rows), [1, 0.5, 0, 0], atol=1e-12)


def test_pairs_are_two_rows_of_one_level() -> None:
    level = np.array([4, 1, 1, 4, 1, 9])
    row, mate = pairs(grouped(level), 500, np.random.default_rng(0))
    assert (level[row] == level[mate]).all()
    assert (row != mate).all()
    assert {(i, j) for i, j in zip(row.tolist(), mate.tolist(), strict=True)} == {
        (i, j) for i, j in product(range(5), range(5)) if i != j and level[i] == level[j]
    }


def test_a_dead_latent_has_no_vote(monkeypatch) -> None:
    dead = np.where(np.arange(len(LEVELS)) % 100 == 0, 0.01, 0)  # the same in most groups, whatever they share
    known = Known(np.c_[dead, LEVELS], LEVELS)
    assert factor_vae(known, known, np.random.default_rng(0)) == 1
    monkeypatch.setattr(groups, "DEAD", 0.0)
    assert factor_vae(known, known, np.random.default_rng(0)) < 0.9


@st.composite
def anything(draw: st.DrawFn) -> tuple[Known, Known]:
    n, d, f = draw(st.integers(2, 12)), draw(st.integers(1, 3)), draw(st.integers(2, 3))
    number = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1.0])

    def one() -> Known:
        codes = [[draw(number) for _ in range(d)] for _ in range(n)]
        levels = [[draw(st.integers(0, 3)) for _ in range(f)] for _ in range(n - 2)]
        return Known(np.array(codes, np.float32), np.array([*levels, [0] * f, [3] * f]))  # every factor varies

    return one(), one()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(anything())
def test_every_measure_is_between_0_and_1(splits) -> None:
    values = measured(*splits)
    assert all(0 <= value <= 1 + 1e-9 for value in values.values()), values
