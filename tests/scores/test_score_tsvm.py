import numpy as np
import pytest
from sklearn.svm import LinearSVC
from torch import Generator

from latelier.core import Fits, need
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.runs.building import build
from latelier.scores import tsvm
from latelier.scores.common import Splits

SPLITS = ("digits:train", "digits:test")


def blobs(n: int = 100, d: int = 2, gap: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    side = np.where(np.arange(n) % 2, 1, -1)
    x = generator.standard_normal((n, d))
    x[:, 0] += gap * side
    return x.astype(np.float32), side


def test_without_weight_of_the_others_it_is_the_machine_itself() -> None:
    x, y = blobs(gap=0.7)
    w, b = tsvm.learned(x[:40], y[:40], x[40:], 2.0, 0.0)
    theirs = LinearSVC(loss="hinge", C=2.0, tol=1e-3, max_iter=5_000, random_state=0).fit(x[:40], y[:40])
    np.testing.assert_allclose(w, theirs.coef_[0], rtol=1e-5)
    assert b == pytest.approx(theirs.intercept_[0], rel=1e-5)


def test_two_blobs_with_one_label_each_are_told_apart() -> None:
    """The labelled points lie so that the machine of these alone cuts through both blobs."""
    x, y = blobs(200)
    x[:2] = [[-1.0, 3.0], [1.0, -3.0]]
    w, b = tsvm.learned(x[:2], y[:2], x[2:], 10.0, 0.0)
    assert ((x[2:] @ w + b > 0) != (y[2:] > 0)).mean() > 0.1
    w, b = tsvm.learned(x[:2], y[:2], x[2:], 10.0, 1.0)
    assert ((x[2:] @ w + b > 0) == (y[2:] > 0)).all()


def test_guesses_keep_the_share_of_positives() -> None:
    guess = tsvm._guessed(np.array([0.1, 5.0, 0.3, -2.0, 0.2]), 2)
    assert guess.tolist() == [-1, 1, 1, -1, -1]


@pytest.mark.slow
def test_on_digits_and_by_depth() -> None:
    data = Splits(open_images("digits", split="train"), open_images("digits", split="test"))
    model = build("pca", image=(1, 8, 8), latent=16)
    need(model, Fits).fit(data.fit.blocks, Generator().manual_seed(0))
    found = tsvm.score(model, data, Generator(), labels=5, draws=2)
    assert found["TSVM error %"] < found["SVM error %"] < 30
    assert "TSVM error % sd" in found
    each = [tsvm.score(model, data, Generator(), labels=5, first=seed)["SVM error %"] for seed in (0, 1)]
    assert sum(each) / 2 == pytest.approx(found["SVM error %"])
    assert each[0] != each[1]
    assert tsvm.score(model, data, Generator(), labels=5, depth="pixels")["SVM error %"] < 30


def test_the_mean_over_classes_stands_beside_the_error_of_uneven_ones() -> None:
    fit, test = (one.take(np.flatnonzero(np.isin(one.label, (1, 8)))) for one in map(open_images, SPLITS))
    sides = [test.take(np.flatnonzero(test.label == number)[:most]) for number, most in ((1, 100), (8, 20))]
    uneven = test.take(np.concatenate([np.flatnonzero(test.label == 1), np.flatnonzero(test.label == 8)[:20]]))
    model, options = build("pca", image=(1, 8, 8)), {"labels": 2, "others": 10, "depth": "pixels", "draws": 2}
    values, *each = (tsvm.score(model, Splits(fit, one), Generator(), **options) for one in (uneven, *sides))
    for name in ("TSVM error %", "SVM error %"):
        assert values[f"balanced {name}"] == pytest.approx(np.mean([one[name] for one in each]))
        assert values[f"balanced {name}"] != pytest.approx(values[name])
        assert f"balanced {name} sd" in values


def test_codes_that_know_more_labels_are_refused_and_pixels_are_not() -> None:
    test = open_images("digits", split="test").take(np.arange(50))
    data = Splits(open_images("digits", split="train"), test, labels_learned=51)
    with pytest.raises(Refusal, match="tsvm: the run has learned from 51 labels itself, so that 5 a class"):
        tsvm.score(build("pca", image=(1, 8, 8), latent=2), data, Generator(), labels=5, others=10)
    values = tsvm.score(build("pca", image=(1, 8, 8)), data, Generator(), labels=5, others=10, depth="pixels")
    assert 80 < values["majority error %"] < 90


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": 0}, "must be above 0"),
        ({"first": -1}, "first -1"),
        ({"depth": "top"}, "no features"),
        ({"labels": 10_000}, "has only"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    model = build("pca", image=(1, 8, 8), latent=2)
    need(model, Fits).fit(data.fit.blocks, Generator().manual_seed(0))
    with pytest.raises(Refusal, match=message):
        tsvm.score(model, data, Generator(), **options)  # type: ignore[arg-type]
