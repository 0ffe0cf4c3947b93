"""The support vector machine as a pseudo-likelihood: eq. 9, the weights of its augmentation, EM and gradient."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from sklearn.svm import LinearSVC
from torch import Generator, Tensor

from latelier.core import Batch, Encodes, Progress, need
from latelier.heads.bayesian_svm import Config, Em, Head
from latelier.heads.joint import Joint
from latelier.objectives import bayesian_svm as svm
from latelier.runs.building import build

gammas = pytest.mark.parametrize("gamma", [0.5, 1.0, 2.3])
margins = pytest.mark.parametrize("u", [-1.2, 0.4, 1.7])


def density(gamma: float, u: float) -> Any:
    """The integrand of eq. 9: of lambda and y together, given the decision."""
    return lambda x: np.sqrt(gamma / (2 * np.pi * x)) * np.exp(-gamma * (1 + x - u) ** 2 / (2 * x))


@gammas
@margins
def test_eq_9_is_the_hinge(gamma: float, u: float) -> None:
    whole = quad(density(gamma, u), 0, np.inf)[0]
    ours = svm.negative_log_likelihood(torch.tensor([[u, -u]]).double(), torch.tensor([0]), gamma)
    assert whole**2 == pytest.approx(float((-ours).exp()), rel=1e-6)  # both machines are at the same margin


@gammas
@margins
def test_the_weight_is_the_mean_of_one_over_lambda(gamma: float, u: float) -> None:
    f = density(gamma, u)
    whole = quad(f, 0, np.inf)[0]
    mean = quad(lambda x: f(x) / x, 0, np.inf)[0] / whole
    square = quad(lambda x: f(x) / x**2, 0, np.inf)[0] / whole
    assert mean == pytest.approx(float(svm.weights(torch.tensor(u).double())), rel=1e-6)
    assert square - mean**2 == pytest.approx(abs(1 - u) ** -3 / gamma, rel=1e-5)  # of an inverse Gaussian of that shape
    assert quad(lambda x: f(x) * x, 0, np.inf)[0] / whole == pytest.approx(abs(1 - u) + 1 / gamma, rel=1e-6)


def blobs(n: int = 200, k: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = Generator().manual_seed(0)
    label = torch.arange(n) % classes
    centres = 1.2 * torch.randn(classes, k, generator=generator, dtype=torch.float64)
    return centres[label] + torch.randn(n, k, generator=generator, dtype=torch.float64), label


@gammas
def test_augmented_and_hinge_gradients_are_one(gamma: float) -> None:
    code, label = blobs()
    beta = torch.randn(3, 5, generator=Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    u = svm.one_versus_rest(label, 3) * (code @ beta.T)
    w = svm.weights(u.detach())
    complete = 0.5 * gamma * ((1 - u).square() * w + 2 * (1 - u) + 1 / w).sum()
    hinge = svm.negative_log_likelihood(code @ beta.T, label, gamma).sum()
    torch.testing.assert_close(complete, hinge)
    torch.testing.assert_close(torch.autograd.grad(complete, beta), torch.autograd.grad(hinge, beta))


@pytest.mark.parametrize(("gamma", "precision"), [(0.5, 1.0), (1.0, 4.0)])
def test_em_is_scikit_learns_hinge_machine(gamma: float, precision: float) -> None:
    code, label = blobs()
    beta = svm.fit(code, label, 3, gamma, precision, steps=3_000)
    for number in range(3):
        machine = LinearSVC(loss="hinge", C=2 * gamma / precision, fit_intercept=False, tol=1e-10, max_iter=1_000_000)
        theirs = machine.fit(code.numpy(), np.where(label.numpy() == number, 1, -1)).coef_[0]
        np.testing.assert_allclose(beta[number].numpy(), theirs, atol=2e-5)


def test_the_m_step_is_solved_in_the_precision_of_its_sums() -> None:
    gram = torch.tensor([[[2.0, 0.5], [0.5, 1.0]]], dtype=torch.float64)
    pull = torch.tensor([[1.0, -0.3]], dtype=torch.float64)
    beta = svm.solve(gram, pull, gamma=0.7, precision=0.1)
    left = 0.7 * (gram[0] @ beta[0] - pull[0]) + 0.1 * beta[0]
    assert float(left.abs().max()) < 1e-14


def test_em_never_goes_back() -> None:
    code, label = blobs()

    def objective(steps: int) -> float:
        beta = svm.fit(code, label, 3, 0.7, 2.0, steps)
        return float(svm.negative_log_likelihood(code @ beta.T, label, 0.7).sum() + beta.square().sum())

    values = [objective(steps) for steps in range(1, 40)]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))


def test_log_odds_order_labels_as_the_product_over_machines_does() -> None:
    decision = 1.5 * torch.randn(6, 4, generator=Generator().manual_seed(0), dtype=torch.float64)
    all_labels = [svm.negative_log_likelihood(decision, torch.full((6,), number), 0.7) for number in range(4)]
    torch.testing.assert_close(svm.log_odds(decision, 0.7).softmax(1), (-torch.stack(all_labels, 1)).softmax(1))


def joined(**settings: Any) -> Joint:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        small = {"maps": (6, 8), "kernels": (3, 2), "pools": (2,), "pooling": "drawn", "estimator": "score"}
        model = build("dgdn", (1, 8, 8), classes=3, head="bayesian_svm", **small, **settings)
    assert isinstance(model, Joint)
    return model


def batch_of(label: list[int]) -> Batch:
    n, none = len(label), torch.zeros(len(label), 0, dtype=torch.int64)
    image = torch.rand(n, 1, 8, 8, generator=Generator().manual_seed(0))
    return Batch(image, torch.arange(n), torch.tensor(label), none, none)


def test_its_weight_is_pixels_over_classes_and_share() -> None:
    assert Head(Config(), 5, 10, (1, 28, 28)).weight == pytest.approx(156.8)
    assert Head(Config(labelled=1.0), 5, 10, (1, 28, 28)).weight == pytest.approx(78.4)
    assert Head(Config(), 5, 10, (3, 32, 32)).weight == pytest.approx(204.8)


@pytest.mark.parametrize("settings", [{}, {"head.weight": 0.0}])
def test_labels_that_are_unknown_or_weigh_nothing_teach_nothing(settings: dict[str, Any]) -> None:
    model = joined(**settings).train()
    losses = model.moves()[0](batch_of([-1, -1] if not settings else [0, 1]), Progress(0, 1, Generator()))
    assert (losses.report["label loss"] == 0).all()
    weights = list(model.head.parameters())
    assert not any(g.any() for g in torch.autograd.grad(losses.minimise["head"], weights, retain_graph=True))
    alone = model.inner.eval().moves()[0](batch_of([-1, -1]), Progress(0, 1, Generator()))
    assert alone.minimise.keys() == {"model", "baseline"}


def test_a_prediction_averages_decisions_over_draws() -> None:
    model, image = joined(**{"head.draws": 7}).eval(), batch_of([0] * 3).image
    with torch.no_grad():
        found = model.classify(image)
        q, generator = need(model, Encodes).encode(image[1:2]), Generator().manual_seed(0)
        decisions = torch.stack([model.head.scores({"s": q.sample(generator)["s"]}) for _ in range(7)])
    torch.testing.assert_close(found[1:2], model.head.probabilities(decisions.mean(0)))
    assert model.decide(image, 4, Generator().manual_seed(0)).shape == (4, 3, 3)


def test_closed_form_learns_from_labelled_codes_without_a_player() -> None:
    code, label = blobs(300)
    known = torch.arange(300) % 4 > 0
    head = Head(Config(precision=1e-2, learning=Em(0.5)), 5, 3, (1, 8, 8))
    for _ in range(300):
        head.loss({"z": code.float()}, torch.where(known, label, -1))
    assert head.optimisers() == {}
    assert not list(head.parameters())
    rows = torch.cat([code, torch.ones(300, 1)], 1)
    theirs = rows @ svm.fit(rows[known], label[known], 3, 0.5, 1e-2 * float(known.sum())).T
    assert (theirs.argmax(1) == label).float().mean() > 0.85
    assert (theirs.argmax(1) == head.eval().scores({"z": code.float()}).argmax(1)).float().mean() > 0.99
