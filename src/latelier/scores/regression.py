"""Logistic regression with an L2 penalty, solved until its gradient is gone: one machine for all probes.

Minimises C sum_n -log p(y_n | x_n) + |W|^2 / 2, biases free; of two classes with one weight vector, as scikit-learn
does. With fewer rows than columns the weights lie in the span of the centred rows, so that the problem is turned there
first, which leaves its solution as it is. Steps are L-BFGS's, in coordinates in which a guess at the curvature (the
penalty's, and the rows' products times ``CURVE``) is the identity: raw pixels take ten times as many without."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STEPS = 20_000  # far more than are ever needed
GRADIENT = 1e-4  # largest entry that is left, in the coordinates of the steps
CURVE = 3e-3  # mean of p (1 - p) at the solution, as learned digits have it; ten times more or less costs little


class Linear(NamedTuple):
    """A machine that has learned."""

    classes: np.ndarray  # [k], sorted
    weight: np.ndarray  # float64 [k, d]; of two classes the first's is 0
    bias: np.ndarray  # float64 [k]
    left: float  # largest entry of the gradient that is left, as ``GRADIENT`` counts

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The likeliest class of each row of x [n, d]."""
        answer: np.ndarray = self.classes[(x @ self.weight.astype(x.dtype).T + self.bias).argmax(1)]
        return answer


def fit(x: np.ndarray, y: np.ndarray, c: float = 1.0) -> Linear:
    """Learns classes y [n], of which there are at least two, from x [n, d]; ``c`` is the weight of the data's loss."""
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import minimize

    classes, number = np.unique(y, return_inverse=True)
    assert len(classes) > 1, "one class needs no machine"
    centre = x.mean(0, dtype=np.float64)
    rows, back = _turned(np.asarray(x, np.float64) - centre)
    (n, d), alone = rows.shape, len(classes) == 2
    free = 1 if alone else len(classes)
    inverse = solve_triangular(cholesky(CURVE * c * (rows.T @ rows) + np.eye(d), lower=True), np.eye(d), lower=True)
    rows, unit = rows @ inverse.T, (CURVE * c * n) ** -0.5  # of a bias, as ``inverse`` of weights
    penalty = inverse @ inverse.T
    truth = np.eye(len(classes))[number][:, -free:]

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = at[:-free].reshape(d, free), at[-free:] * unit
        logits = rows @ weight + bias
        most = np.maximum(logits, 0) if alone else logits.max(1, keepdims=True)
        chance = np.exp(logits - most)
        total = chance.sum(1, keepdims=True) + (np.exp(-most) if alone else 0)  # alone: the other's logit is 0
        slope = penalty @ weight
        value = c * float((most + np.log(total)).sum() - (logits * truth).sum()) + 0.5 * float((weight * slope).sum())
        off = c * (chance / total - truth)
        return value, np.concatenate([(rows.T @ off + slope).ravel(), unit * off.sum(0)])

    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "gtol": GRADIENT, "ftol": 0.0, "maxcor": 20}
    found = minimize(loss, np.zeros((d + 1) * free), jac=True, method="L-BFGS-B", options=options)
    weight, bias = inverse.T @ found.x[:-free].reshape(d, free), found.x[-free:] * unit
    weight = back(weight)
    bias = bias - centre @ weight
    if alone:
        weight, bias = np.concatenate([0 * weight, weight], 1), np.concatenate([[0.0], bias])
    return Linear(classes, weight.T, bias, float(np.abs(found.jac).max()))


def _turned(rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Rows [n, d] in an orthonormal base of their span where they are fewer than d, [n, r], and the way back of
    weights: [r, k] -> [d, k]. By a pivoted Cholesky factor of the rows' products, which drops equal ones."""
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    if len(rows) > rows.shape[1]:
        return rows, lambda weight: weight
    products = rows @ rows.T
    factor, order, rank, _ = dpstrf(products, tol=1e-10 * products.diagonal().max())
    order = order - 1
    upper, turned = np.triu(factor)[:rank], np.empty((len(rows), rank))
    turned[order] = upper.T
    base, square = rows[order[:rank]], upper[:, :rank]
    return turned, lambda weight: base.T @ solve_triangular(square, weight)
