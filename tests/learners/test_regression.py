"""The probes' machine: that of scikit-learn, if that were given the steps it needs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from latelier.data.sources.open import open_images
from latelier.learners import regression


def drawn(n: int, d: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows far from the origin, whose columns' sds go over two orders of magnitude, as pixels' principal parts do."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    x = (rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[y]) * np.geomspace(3, 0.03, d) + 2
    return x.astype(np.float32), 3 * y - 1


@pytest.mark.parametrize(("n", "d"), [(20, 300), (60, 60), (300, 20)])
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_it_is_the_full_problems_solution(n: int, d: int, classes: int, c: float) -> None:
    """With fewer rows than columns it is found in the rows' span: the weights are the same."""
    x, y = drawn(n, d, classes)
    ours = regression.fit(x, y, c)
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=100_000).fit(x.astype(np.float64), y)
    weight = ours.weight[1:] - ours.weight[:1] if classes == 2 else ours.weight
    np.testing.assert_allclose(weight, theirs.coef_, atol=2e-3 * np.abs(theirs.coef_).max())
    assert (ours.predict(x) == theirs.predict(x)).all()
    other = drawn(200, d, classes, 1)[0]
    assert (ours.predict(other) != theirs.predict(other.astype(np.float64))).mean() <= 0.005


def test_less_of_the_gradient_is_left_than_where_scikit_learn_stops() -> None:
    """Which is a gradient a row, and so moves answers."""
    images = open_images("digits", split="train")
    x, truth = images.floats(slice(None)).flatten(1).double().numpy() * 3, np.eye(10)[images.label]

    def left(weight: np.ndarray, bias: np.ndarray) -> float:
        logits = x @ weight.T + bias
        chance = np.exp(logits - logits.max(1, keepdims=True))
        off = chance / chance.sum(1, keepdims=True) - truth
        return float(np.abs(off.T @ x + weight).max())

    ours, theirs = regression.fit(x, images.label), LogisticRegression(max_iter=500).fit(x, images.label)
    assert ours.left <= regression.GRADIENT
    assert left(ours.weight, ours.bias) < 0.05 * left(theirs.coef_, theirs.intercept_)


def test_equal_rows_and_columns_without_spread_do_no_harm() -> None:
    x = np.repeat(np.eye(2, 50, dtype=np.float32), 3, axis=0)
    found = regression.fit(x, np.repeat([4, 9], 3))
    assert found.predict(x).tolist() == [4, 4, 4, 9, 9, 9]
    assert (found.weight[:, 2:] == 0).all()
