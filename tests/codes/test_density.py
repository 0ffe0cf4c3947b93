"""Densities fitted to codes: known mixtures are recovered, log-densities are right, draws come from them."""

import math
import sys

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from latelier.codes.density import FULL, Flow, Mixture, fit_flow, fit_mixture, of_tensors
from latelier.errors import Refusal


def two(n: int, seed: int) -> np.ndarray:
    """[n, 2]: three in four around (-3, 1) with sd .5, the others around (4, -2) with a correlated covariance."""
    rng = np.random.default_rng(seed)
    first = rng.normal((-3, 1), 0.5, (n, 2))
    second = rng.multivariate_normal((4, -2), [[1.0, 0.6], [0.6, 0.5]], n)
    return np.where(rng.random((n, 1)) < 0.75, first, second)


def law(code: np.ndarray) -> np.ndarray:
    first = multivariate_normal((-3, 1), 0.25 * np.eye(2)).pdf(code)
    return np.log(0.75 * first + 0.25 * multivariate_normal((4, -2), [[1.0, 0.6], [0.6, 0.5]]).pdf(code))


def test_a_mixture_of_two_gaussians_is_recovered() -> None:
    found = fit_mixture(two(4000, 0), test := two(1000, 1), 0)
    assert found.said == "a mixture of 2 Gaussians"
    order = found.centre[:, 0].argsort()
    centre = found.centre[order] * found.sd + found.mean
    # Of 3,000 and 1,000 rows a mean has an sd of .01 and .03: four of them.
    assert centre.numpy() == pytest.approx(np.array([[-3, 1], [4, -2]]), abs=0.13)
    assert found.share[order].numpy() == pytest.approx([0.75, 0.25], abs=0.03)
    factor = found.factor[order[1]] * found.sd[:, None]
    assert (factor @ factor.T).numpy() == pytest.approx(np.array([[1.0, 0.6], [0.6, 0.5]]), abs=0.2)
    nats = found.log_prob(torch.from_numpy(test).float()).mean()
    assert float(nats) == pytest.approx(law(test).mean(), abs=0.03)


@pytest.mark.parametrize("fit", [fit_mixture, fit_flow])
def test_what_is_fitted_is_likelier_than_a_normal_and_draws_what_it_was_fitted_to(fit) -> None:
    found, test = fit(two(1000, 0), two(250, 1), 0), torch.from_numpy(two(500, 2)).float()
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(test).sum(1).mean()
    assert float(found.log_prob(test).mean()) > float(normal) + 5
    drawn = found.sample(4000, torch.Generator().manual_seed(0))
    assert float((drawn[:, 0] < 0).float().mean()) == pytest.approx(0.75, abs=0.05)
    again = found.sample(4000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


@pytest.mark.parametrize("fit", [fit_mixture, fit_flow])
def test_a_fit_is_a_function_of_its_seed(fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latelier.codes.density.EPOCHS", 10)
    one, other = (fit(two(100, 0), two(50, 1), 0).state_dict() for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_log_density_of_a_mixture_is_scipys(diagonal: bool) -> None:
    rng = np.random.default_rng(0)
    factor = np.tril(rng.normal(size=(2, 3, 3)) * 0.3) + np.eye(3)
    factor = np.einsum("kii->ki", factor) if diagonal else factor
    mean, sd, centre = rng.normal(size=3), np.array([0.5, 1.0, 2.0]), rng.normal(size=(2, 3))
    parts = (mean, sd, np.array([0.3, 0.7]), centre, factor)
    found = Mixture(*(torch.from_numpy(part).double() for part in parts))
    whole = np.stack([np.diag(one) for one in factor]) if diagonal else factor
    laws = [
        multivariate_normal(c * sd + mean, np.diag(sd) @ f @ f.T @ np.diag(sd))
        for c, f in zip(centre, whole, strict=True)
    ]
    rows = rng.normal(size=(20, 3))
    expected = np.log(0.3 * laws[0].pdf(rows) + 0.7 * laws[1].pdf(rows))
    assert found.log_prob(torch.from_numpy(rows)).numpy() == pytest.approx(expected)
    drawn = found.sample(200_000, torch.Generator().manual_seed(0)).numpy()
    cov = sum(w * (law.cov + np.outer(law.mean, law.mean)) for w, law in zip((0.3, 0.7), laws, strict=True))
    middle = 0.3 * laws[0].mean + 0.7 * laws[1].mean
    assert drawn.mean(0) == pytest.approx(middle, abs=0.03)
    assert np.cov(drawn.T) == pytest.approx(cov - np.outer(middle, middle), abs=0.1)


def test_wide_codes_have_diagonal_covariances_and_constant_columns_stay() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, FULL + 1))
    rows[:, 3] = 7.0
    found = fit_mixture(rows, rows[:50], 0)
    assert found.factor.ndim == 2
    drawn = found.sample(100, torch.Generator().manual_seed(0))
    assert drawn[:, 3].numpy() == pytest.approx(7.0, abs=0.02)
    assert math.isfinite(float(found.log_prob(torch.from_numpy(rows).float()).mean()))


def test_tensors_that_do_not_belong_together_are_refused() -> None:
    found = fit_mixture(two(400, 0), two(100, 1), 0)
    tensors = dict(found.state_dict())
    assert isinstance(of_tensors("gmm", tensors), Mixture)
    for name, value in {
        "share": torch.ones(3),
        "centre": torch.ones(2, 3),
        "factor": torch.ones(2, 5),
        "sd": torch.zeros(2),
        "more": torch.ones(1),
    }.items():
        with pytest.raises(ValueError, match="belong together"):
            of_tensors("gmm", {**tensors, name: value})
    with pytest.raises(RuntimeError):
        of_tensors("flow", tensors)


def test_without_zuko_a_flow_says_which_extra_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(Refusal, match="needs zuko"):
        Flow(torch.zeros(2), torch.ones(2))
