"""``learners.suggestion``: the laws of what is suggested, and what a light classifier says where little is known."""

import numpy as np
import pytest

from latelier.codes.rows import pixels
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.learners import regression, suggestion
from latelier.learners.space import principal, scaling
from latelier.learners.suggestion import Kind, cross_validated, light, margin, suggest

KINDS: list[Kind] = ["margin", "unlike", "random"]


def groups(sizes: list[int], spread: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes around as many corners as there are sizes, and which corner each is of."""
    chance = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    codes = 3 * np.eye(len(sizes))[truth] + spread * chance.standard_normal((len(truth), len(sizes)))
    return codes.astype(np.float32), truth


def known(truth: np.ndarray, rows: list[int]) -> np.ndarray:
    label = np.full(len(truth), -1)
    label[rows] = truth[rows]
    return label


def test_it_is_logistic_regression_on_codes_scaled_by_one_number() -> None:
    codes, truth = groups([30, 40, 50], spread=1.5)
    codes *= np.array([1, 4, 9], np.float32)
    rows = list(range(0, 120, 6))
    probability = light(codes, known(truth, rows), 5)
    scaled = scaling(codes)(codes)
    learned = regression.fit(scaled[rows], truth[rows], 1.0)
    assert (probability.argmax(1) == learned.predict(scaled)).all()
    odds = np.exp(scaled @ learned.weight.T + learned.bias)
    np.testing.assert_allclose(probability[:, :3], odds / odds.sum(1, keepdims=True), atol=1e-5)
    assert not probability[:, 3:].any()  # classes without a label
    assert probability.dtype == np.float32


@pytest.mark.parametrize("by", [1e-6, 1e6])
def test_a_scale_of_the_codes_changes_nothing(by: float) -> None:
    codes, truth = groups([30, 40, 50])
    label = known(truth, [0, 1, 40, 41, 100])
    np.testing.assert_allclose(light(codes * np.float32(by), label, 3), light(codes, label, 3), atol=1e-4)


def test_without_a_label_all_classes_are_alike_and_one_alone_is_sure() -> None:
    codes, truth = groups([4, 4])
    assert (light(codes, known(truth, []), 4) == 0.25).all()
    assert light(codes, known(truth, []), 0).shape == (8, 0)
    assert (light(codes, known(truth, [5]), 3) == [0, 1, 0]).all()


def test_constant_codes_tell_how_common_classes_are() -> None:
    label = np.array([0, 0, 0, 1, -1])
    np.testing.assert_allclose(light(np.full((5, 3), 0.1), label, 2), np.tile([[0.75, 0.25]], (5, 1)), atol=0.01)


def test_no_images_have_no_probabilities_and_no_suggestions() -> None:
    empty, label = np.zeros((0, 3), np.float32), np.zeros(0, np.int64)
    assert light(empty, label, 2).shape == (0, 2)
    assert suggest(empty, label, 3, seed=0) == []
    assert cross_validated(empty, label, []) is None


def test_a_margin_is_the_lead_of_the_likeliest() -> None:
    found = margin(np.array([[0.7, 0.1, 0.2], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(found, [0.5, 0, 1])
    assert (margin(np.ones((2, 1))) == 1).all()


def test_accuracy_is_that_of_classifiers_that_have_not_seen_the_row() -> None:
    chance = np.random.default_rng(0)
    codes, truth = chance.standard_normal((60, 50)).astype(np.float32), chance.integers(0, 2, 60)
    rows = np.arange(60)
    assert (light(codes, truth, 2).argmax(1) == truth).mean() > 0.9  # learned by heart
    assert 0.25 < (cross_validated(codes, truth, rows) or 0) < 0.75  # though there is nothing to learn
    codes, truth = groups([20, 30])
    assert cross_validated(codes, truth, np.arange(50)) == 1
    assert cross_validated(codes, 1 - truth, np.arange(50)) == 1


def test_all_other_labels_are_learned_from_and_not_measured() -> None:
    codes, truth = groups([20, 20])
    label = known(truth, [*range(10), *range(20, 30)])
    label[5:10] = 1  # wrong, and not among the rows
    right = cross_validated(codes, label, [0, 1, 2, 20, 21, 22, 39, 39])  # the last has no label
    assert right is not None
    assert right * 6 == round(right * 6)
    label[5:10], label[0:2] = 0, 1  # two of six rows are wrong
    assert cross_validated(codes, label, [0, 1, 2, 20, 21, 22]) == pytest.approx(4 / 6)
    assert cross_validated(codes, label, [5, 25]) == 1  # what else is of their class is known beside them


@pytest.mark.parametrize(
    ("labelled", "rows"),
    [
        ([], [0, 1]),  # no label
        ([0, 1, 2], [0, 1, 2]),  # one class
        ([0, 1, 20], [0, 1, 20]),  # a class of one label
        ([0, 1, 20, 21], []),  # no rows
        ([0, 1, 20, 21], [5]),  # none with a label
    ],
)
def test_accuracy_is_none_where_it_cannot_be_measured(labelled: list[int], rows: list[int]) -> None:
    codes, truth = groups([20, 20])
    assert cross_validated(codes, known(truth, labelled), rows) is None


def test_a_class_of_one_label_that_is_not_measured_is_no_hindrance() -> None:
    codes, truth = groups([20, 20, 20])
    assert cross_validated(codes, known(truth, [0, 1, 20, 21, 40]), [0, 1, 20, 21]) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labelled", [[], [0, 1], [0, 1, 25, 60, 61]])
@pytest.mark.parametrize("count", [0, 1, 7, 60, 500])
def test_no_row_twice_none_that_is_labelled_or_skipped_and_as_many_as_asked(
    kind: Kind, labelled: list[int], count: int
) -> None:
    codes, truth = groups([20, 30, 40])
    skip = np.array([3, 4, 3])
    found = suggest(codes, known(truth, labelled), count, seed=5, kind=kind, skip=skip)
    rows = [one.row for one in found]
    assert len(set(rows)) == len(rows) == min(count, 90 - 2 - len(labelled))
    assert not set(rows) & {*labelled, 3, 4}
    assert set(rows) <= set(range(90))
    assert found == suggest(codes, known(truth, labelled), count, seed=5, kind=kind, skip=skip)
    if 1 < count < 60:
        assert found != suggest(codes, known(truth, labelled), count, seed=6, kind=kind, skip=skip)


@pytest.mark.parametrize(
    ("labelled", "kind", "why"),
    [
        ([], "margin", "typical"),
        ([], "unlike", "typical"),
        ([0], "margin", "unlike"),  # one class has no margin
        ([0, 25], "margin", "unsure"),
        ([0, 25], "unlike", "unlike"),
    ],
)
def test_each_row_says_why_and_a_share_is_random(labelled: list[int], kind: Kind, why: str) -> None:
    codes, truth = groups([20, 30, 40])
    said = [one.why for one in suggest(codes, known(truth, labelled), 20, seed=0, kind=kind)]
    assert sorted(said) == sorted(["random"] * 4 + [why] * 16)
    said = [one.why for one in suggest(codes, known(truth, labelled), 20, seed=0, kind=kind, share_random=0)]
    assert said == [why] * 20
    alone = [
        one.why
        for seed in range(400)
        for one in suggest(codes, known(truth, labelled), 1, seed=seed, kind=kind, share_random=0.25)
    ]
    assert alone.count("random") == pytest.approx(100, abs=30)  # of one row, in a quarter of the seeds


def test_random_rows_are_drawn_evenly_and_stand_at_any_place() -> None:
    codes, truth = groups([20, 30, 50])
    label = known(truth, [0, 25])
    drawn, places = np.zeros(100), np.zeros(10)
    for seed in range(500):
        for place, one in enumerate(suggest(codes, label, 10, seed=seed)):
            if one.why == "random":
                drawn[one.row] += 1
                places[place] += 1
    assert drawn.sum() == places.sum() == 1_000
    assert np.square(places - 100).sum() / 100 < 30  # chi squared of 9 degrees: one in 2,000 is over
    assert np.square(np.delete(drawn, [0, 25]) - 1_000 / 98).sum() / (1_000 / 98) < 150  # of 97
    assert {one.why for one in suggest(codes, label, 9, seed=0, kind="random")} == {"random"}


def test_the_first_rows_are_one_of_each_group_and_the_largest_group_is_first() -> None:
    codes, truth = groups([10, 25, 60, 40, 15])
    found = [one.row for one in suggest(codes, known(truth, []), 5, seed=0, share_random=0)]
    assert truth[found].tolist() == [2, 3, 1, 4, 0]


def test_the_unsure_ones_lie_between_classes_and_apart_from_each_other() -> None:
    chance = np.random.default_rng(0)
    codes = chance.uniform(-1, 1, (2_000, 2)).astype(np.float32)
    truth = (codes[:, 0] > 0).astype(int)
    label = known(truth, list(range(100)))
    rows = [one.row for one in suggest(codes, label, 8, seed=0, share_random=0)]
    sure = margin(light(codes, label, 2))
    assert (np.diff(sure[rows]) >= 0).all()  # the least sure first
    assert sure[rows].max() <= np.sort(sure[label < 0])[80]
    assert np.abs(codes[rows, 0]).max() < 0.15
    assert np.diff(np.sort(codes[rows, 1])).min() > 0.05  # all along the border, of length 2


def test_the_unlike_are_of_the_groups_without_a_label() -> None:
    codes, truth = groups([30, 30, 30, 30, 30], spread=0.1)
    found = [one.row for one in suggest(codes, known(truth, [0, 31]), 3, seed=0, kind="unlike", share_random=0)]
    assert sorted(truth[found]) == [2, 3, 4]


@pytest.mark.parametrize("labelled", [[], [0, 20]])
def test_between_equals_the_seed_decides_and_not_the_order(labelled: list[int]) -> None:
    codes, truth = np.zeros((40, 3), np.float32), np.repeat([0, 1], 20)
    rows = {one.row for seed in range(30) for one in suggest(codes, known(truth, labelled), 4, seed=seed)}
    assert len(rows) > 30


def test_of_many_rows_a_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("POOL", 50), ("GROUPED", 20), ("APART", 30), ("BLOCK", 7)):
        monkeypatch.setattr(suggestion, name, value)
    codes, truth = groups([100, 100, 100])
    label = known(truth, [0, 1, 100, 101, *range(200, 240)])
    for kind in KINDS:
        for count in (3, 100):
            found = [one.row for one in suggest(codes, label, count, seed=0, kind=kind)]
            assert len(set(found)) == count
            assert (label[found] < 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_codes_that_are_not_finite_are_refused(bad: float) -> None:
    codes, truth = groups([10, 10])
    codes[7, 1] = bad
    for ask in (
        lambda: light(codes, known(truth, [0, 12]), 2),
        lambda: cross_validated(codes, truth, [0, 1, 12, 13]),
        lambda: suggest(codes, known(truth, []), 3, seed=0),
    ):
        with pytest.raises(Refusal, match=r"not finite, or beyond 1e\+15, the first in row 7; see whether"):
            ask()


def test_of_digits_suggested_labels_teach_more_and_the_random_ones_among_them_tell_how_much() -> None:
    """Eight labellers of 60 images each way; the study is in docs/labelling.md."""
    images = open_images("digits", split="train")
    codes = principal(pixels(images), 16).transform(pixels(images)).astype(np.float32)
    wrong: dict[Kind, list[float]] = {"random": [], "margin": []}
    off: dict[str, list[float]] = {"random": [], "all": []}
    for kind, errors in wrong.items():
        for seed in range(8):
            label, drawn = np.full(len(codes), -1), list[int]()
            for round_ in range(6):
                new = suggest(codes, label, 10, seed=10 * seed + round_, kind=kind)
                rows = [one.row for one in new]
                label[rows] = images.label[rows]
                drawn += [one.row for one in new if one.why == "random"]
            others = label < 0
            error = float((light(codes, label, 10).argmax(1) != images.label)[others].mean())
            errors.append(error)
            for name, rows in (("random", drawn), ("all", list(range(len(codes))))):
                right = cross_validated(codes, label, rows)
                if kind == "margin" and right is not None:
                    off[name].append(1 - right - error)
    assert np.mean(wrong["margin"]) < 0.8 * np.mean(wrong["random"])
    assert -0.05 < np.mean(off["random"]) < np.mean(off["all"]) / 2  # the random ones are not quite free of bias
