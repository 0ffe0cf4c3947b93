"""Laws of the importance-weighted objective: its value, and the gradients of its two estimators."""

import math

import pytest
import torch
from every import GREY, batches_of
from every import Case as Every
from laws.spectra import progress
from torch import Tensor

from latelier.models import vae
from latelier.models.vae import Diagonal
from latelier.objectives import gaussian
from latelier.objectives.bound import Iwae
from latelier.objectives.importance import iwae
from latelier.runs.building import assemble

MLP = {"net": "mlp", "net.widths": (8,), "latent": 3}
LOG_HALF = torch.tensor(0.5, dtype=torch.float64).log()


def gradients(mean: float, objective: Iwae, images: int = 100_000, seed: int = 0) -> tuple[Tensor, ...]:
    """Of the bound on log p(x = 1.5) with z ~ N(0, 1), x ~ N(z + shift, 1/2) and q = N(mean, 1/2), one an image, [n]:
    with respect to q's mean, its log-variance, and the shift at 0. The posterior is N(1, 1/3)."""
    m = torch.full((images, 1), mean, dtype=torch.float64, requires_grad=True)
    v = LOG_HALF.expand(images, 1).clone().requires_grad_()
    shift = torch.zeros(images, 1, dtype=torch.float64, requires_grad=True)
    x = torch.full_like(m, 1.5, requires_grad=False)

    def log_joint(z: Tensor) -> Tensor:
        return gaussian.log_standard(z, keep=2) + gaussian.log_density(x, z + shift, LOG_HALF, keep=2)

    draws = objective.draws
    z = gaussian.sample(m.expand(draws, images, 1), v.expand(draws, images, 1), torch.Generator().manual_seed(seed))
    bound = objective.bound(Diagonal(m, v), z, log_joint)
    return tuple(gradient.flatten() for gradient in torch.autograd.grad(bound.sum(), (m, v, shift)))


def far(one: Tensor, wanted: Tensor | float) -> float:
    """Standard errors between the mean of the one and of what is wanted."""
    variance = one.var() / len(one) + (wanted.var() / len(wanted) if isinstance(wanted, Tensor) else 0.0)
    other = wanted.mean() if isinstance(wanted, Tensor) else wanted
    return float((one.mean() - other).abs() / variance.sqrt())


@pytest.mark.parametrize("draws", [1, 3, 10])
def test_both_estimators_have_one_mean_and_the_doubly_reparameterised_one_less_noise(draws: int) -> None:
    doubly = gradients(0.5, Iwae(draws))
    plain = gradients(0.5, Iwae(draws, "plain"), seed=1)
    for one, other in zip(doubly[:2], plain[:2], strict=True):
        assert far(one, other) < 5  # false alarm 6e-7 each
        assert abs(float(one.mean())) > 20 * float(one.std()) / math.sqrt(len(one))  # and it is not nothing
        assert one.var() < 0.4 * other.var()  # .30 at most, and .003 of 10 draws, as measured
    torch.testing.assert_close(doubly[2], gradients(0.5, Iwae(draws, "plain"))[2])  # the model's gradient is the same


def test_of_one_draw_its_mean_is_the_elbos_gradient() -> None:
    """-KL(N(m, v) || N(1, 1/3)) = -(3 v + 3 (1 - m)^2 - 1 - log 3 v) / 2 (the evidence hangs on neither)."""
    for estimator in ("doubly", "plain"):
        by_mean, by_log_variance, _ = gradients(0.5, Iwae(1, estimator))
        assert far(by_mean, 3 * (1 - 0.5)) < 5
        assert far(by_log_variance, -(3 * 0.5 - 1) / 2) < 5


def test_at_the_posterior_the_doubly_reparameterised_gradient_has_no_noise() -> None:
    """q = N(1, 1/2) where the model's x | z has variance 1: every weight is the evidence then."""
    m = torch.full((50, 1), 1.0, dtype=torch.float64, requires_grad=True)
    v = LOG_HALF.expand(50, 1).clone().requires_grad_()
    x, nothing = torch.full((50, 1), 2.0, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    z = gaussian.sample(m.expand(4, 50, 1), v.expand(4, 50, 1), torch.Generator().manual_seed(0))

    def log_joint(z: Tensor) -> Tensor:
        return gaussian.log_standard(z, keep=2) + gaussian.log_density(x, z, nothing, keep=2)

    for estimator, noisy in (("doubly", False), ("plain", True)):
        bound = Iwae(4, estimator).bound(Diagonal(m, v), z, log_joint)
        torch.testing.assert_close(bound, gaussian.log_density(x, torch.zeros_like(x), nothing + math.log(2)))
        found = torch.autograd.grad(bound.sum(), (m, v), retain_graph=True)
        assert all((float(one.abs().max()) > 1e-3) == noisy for one in found)


def model_of(**settings: object) -> vae.Model:
    torch.manual_seed(0)
    model, _ = assemble("vae", GREY, (), {**MLP, **settings})
    assert isinstance(model, vae.Model)
    return model


@pytest.mark.parametrize("estimator", ["doubly", "plain"])
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("draws", [1, 7])
def test_the_term_is_the_bound_of_the_models_own_weights(draws: int, likelihood: str, estimator: str) -> None:
    settings = {"objective": "iwae", "objective.draws": draws, "objective.estimator": estimator}
    model, batch = model_of(likelihood=likelihood, **settings), batches_of(Every("vae", GREY)).at(0)
    losses = model.tighten(batch, progress())
    weight = model.log_weight(batch.image, draws, progress().generator)
    torch.testing.assert_close(losses.report["iwae"], iwae(weight))
    torch.testing.assert_close(losses.minimise["model"], -iwae(weight).mean())
    plain = model_of(likelihood=likelihood)
    assert torch.equal(plain.log_weight(batch.image, draws, progress().generator), weight)
    if draws == 1:  # up to the divergence, which the ELBO has in closed form
        report, q = plain.learn(batch, progress()).report, plain.encode(batch.image)
        z = q.sample(progress().generator)["z"]
        drawn = gaussian.log_density(z, q.mean, q.log_variance) - gaussian.log_standard(z)
        torch.testing.assert_close(losses.report["iwae"], -report["distortion"] - drawn)


def test_the_bound_grows_with_the_draws() -> None:
    batch = batches_of(Every("vae", GREY), 48).at(0)
    means = []
    for draws in (1, 10, 100):
        with torch.no_grad():
            report = model_of(objective="iwae", **{"objective.draws": draws}).tighten(batch, progress()).report
        means.append(float(report["iwae"].mean()))
    assert means[0] + 0.1 < means[1] < means[2] - 0.1, means


def test_what_a_head_learns_from_the_code_is_not_weighted() -> None:
    """The code that it sees is one of the draws, whose path into the bound alone is weighted."""
    batch = batches_of(Every("vae", GREY)).at(0)
    model = model_of(objective="iwae")
    code = model.tighten(batch, progress()).code
    assert code is not None
    q = model.encode(batch.image)
    z = q.several(5, progress().generator)[0]
    weights = list(model.encoder.parameters())
    for one, other in zip(
        torch.autograd.grad(code["z"].square().sum(), weights),
        torch.autograd.grad(z.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
