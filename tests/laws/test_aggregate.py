"""Laws of what all codes together are like: total correlation, covariance, permuted codes; and of the penalties made
of them."""

import itertools
import math

import pytest
import torch
from every import GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator, Tensor

from latelier.models import vae
from latelier.models.vae import Diagonal
from latelier.objectives import aggregate, gaussian
from latelier.objectives.aggregate import covariance, identity_gap, permuted, total_correlation
from latelier.objectives.penalty import Beta, Dip, Factor, Tc
from latelier.runs.building import assemble


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def posteriors(n: int, correlation: float, variance: float = 0.25) -> tuple[Tensor, Tensor, Tensor]:
    """Codes, means and log-variances [n, 2] whose mixture is N(0, C), C of unit variances and this correlation."""
    wanted = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    root = torch.linalg.cholesky(wanted - variance * torch.eye(2, dtype=torch.float64))
    mean = torch.randn(n, 2, generator=seeded(), dtype=torch.float64) @ root.T
    log_variance = torch.full_like(mean, variance).log()
    return gaussian.sample(mean, log_variance, seeded(1)), mean, log_variance


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.7])
def test_the_total_correlation_of_a_gaussian_is_known(correlation: float) -> None:
    """-log det C / 2, of a batch that is the whole set."""
    found = total_correlation(*posteriors(2000, correlation), images=2000)
    # Over six seeds it strayed by .025 at most.
    assert float(found.mean()) == pytest.approx(-0.5 * math.log(1 - correlation**2), abs=0.03)


def test_of_a_batch_that_is_the_whole_set_both_samplings_are_one_mixture() -> None:
    """Up to the constant by which the weighted one counts each image too little."""
    z, mean, log_variance = posteriors(6, 0.5)
    one = torch.distributions.Normal(mean, log_variance.mul(0.5).exp())
    each = one.log_prob(z[:, None])  # [i, j, k]
    wanted = each.sum(2).logsumexp(1) - math.log(6) - (each.logsumexp(1) - math.log(6)).sum(1)
    torch.testing.assert_close(total_correlation(z, mean, log_variance, 6), wanted)
    torch.testing.assert_close(total_correlation(z, mean, log_variance, 0), wanted)  # nothing told: no more than these
    torch.testing.assert_close(total_correlation(z, mean, log_variance, 6, "weighted"), wanted + math.log(6))


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_stratified_mixture_is_met_in_the_mean(size: int) -> None:
    """Over all batches of some of 5 images that hold the image: exactly. The weighted one is not."""
    density = torch.rand(5, 5, generator=seeded(), dtype=torch.float64)
    found: dict[str, list[Tensor]] = {"stratified": [], "weighted": []}
    for others in itertools.combinations(range(1, 5), size - 1):
        rows = torch.tensor([0, *others])
        for sampling, values in found.items():
            share = aggregate.log_shares(size, 5, sampling, density).exp()  # type: ignore[arg-type]
            values.append((density[rows][:, rows] * share).sum(1)[0])
    torch.testing.assert_close(torch.stack(found["stratified"]).mean(), density[0].mean())
    assert abs(float(torch.stack(found["weighted"]).mean() - density[0].mean())) > 0.1


def test_the_weighted_samplings_gradient_does_not_hang_on_the_number_of_images() -> None:
    z, mean, log_variance = (part.requires_grad_() for part in posteriors(6, 0.5))
    gradients = []
    for images in (6, 60_000):
        found = total_correlation(z, mean, log_variance, images, "weighted").sum()
        gradients.append(torch.autograd.grad(found, (z, mean, log_variance)))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_permuted_codes_keep_each_number_and_lose_what_they_had_in_common() -> None:
    z, _, _ = posteriors(4000, 0.7)
    found = permuted(z, seeded())
    assert torch.equal(found.sort(0).values, z.sort(0).values)
    assert covariance(z)[0, 1] > 0.6
    assert covariance(found)[0, 1].abs() < 0.07  # 4.5 standard errors
    assert not torch.equal(found[:, 0], z[:, 0])


def test_the_identity_costs_nothing_and_what_strays_from_it_what_it_strays() -> None:
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(identity_gap(covariance(corners), 3.0, 5.0)) == 0
    moments = torch.tensor([[1.5, 0.2], [0.2, 1.0]])
    assert float(identity_gap(moments, 3.0, 5.0)) == pytest.approx(3 * 2 * 0.04 + 5 * 0.25)


def test_dip_looks_at_means_or_at_codes() -> None:
    """Means at the corners of a square of variance 1, or of .75 with a variance of .25 about each."""
    corners, rate = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]), torch.rand(4)
    narrow, shrunk = torch.full((4, 2), 0.25).log(), corners * math.sqrt(0.75)
    for version, mean, other in (("i", corners, shrunk), ("ii", shrunk, corners)):
        penalty = Dip(version)  # type: ignore[arg-type]
        torch.testing.assert_close(penalty(rate, Diagonal(mean, narrow), mean, progress()), rate)
        diagonal = 100 if version == "i" else 10
        strayed = rate + diagonal * 2 * 0.0625
        torch.testing.assert_close(penalty(rate, Diagonal(other, narrow), other, progress()), strayed)
    told = Dip("i", 1.0, 2.0)(rate, Diagonal(shrunk, narrow), shrunk, progress())
    torch.testing.assert_close(told, rate + 2 * 2 * 0.0625)


def test_at_a_weight_of_one_or_none_they_are_the_vae() -> None:
    z, mean, log_variance = posteriors(6, 0.5)
    rate, q = torch.rand(6), Diagonal(mean, log_variance)
    for penalty in (Tc(weight=1.0), Dip("i", 0.0), Dip("ii", 0.0), Factor()):
        torch.testing.assert_close(penalty(rate, q, z, progress()), Beta()(rate, q, z, progress()), check_dtype=False)
    for sampling in ("stratified", "weighted"):
        more = Tc(3.0, sampling)(rate, q, z, progress()._replace(images=50))
        torch.testing.assert_close(more, rate + 2 * total_correlation(z, mean, log_variance, 50, sampling))


def test_a_discriminator_learns_the_total_correlation() -> None:
    """Of correlated codes, as a known Gaussian has it; and of independent ones nothing."""
    factor = Factor(widths=(32,))
    for correlation in (0.0, 0.7):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            discriminator = factor.build(2)
        z = posteriors(4000, correlation)[0].float()
        optimiser, generator = torch.optim.Adam(discriminator.parameters(), 1e-2), seeded()
        losses = vae.Losses({"model": torch.zeros(())}, {})
        for _ in range(150):
            found = factor.join(discriminator, z, losses, progress()._replace(generator=generator))
            optimiser.zero_grad()
            found.minimise["discriminator"].backward()
            optimiser.step()
        wanted = -0.5 * math.log(1 - correlation**2)
        # Strayed by .025 at most over three seeds.
        assert float(found.report["total correlation"].detach().mean()) == pytest.approx(wanted, abs=0.08)
        torch.testing.assert_close(found.minimise["model"], 10 * found.report["total correlation"].mean())


@pytest.mark.parametrize("widths", [(), (8,), (8, 4)])
def test_a_discriminator_has_the_widths_that_it_is_given(widths: tuple[int, ...]) -> None:
    net = Factor(widths=widths).build(6)
    assert [(w.shape[1], w.shape[0]) for w in net.parameters() if w.ndim == 2] == [*itertools.pairwise((6, *widths, 1))]
    assert net(torch.zeros(5, 2, 3)).shape == (5,)


def test_what_the_discriminator_says_is_in_the_models_loss_and_not_in_what_judges_it() -> None:
    torch.manual_seed(0)
    settings = {"net": "mlp", "net.widths": (8,), "latent": 3, "penalty": "factor", "penalty.weight": 5.0}
    model, _ = assemble("vae", GREY, (), settings)
    losses = model.moves()[0](batches_of(Case("vae", GREY)).at(0), progress())
    report = {name: float(values.detach().mean()) for name, values in losses.report.items()}
    judged = model.measures(report)[model.monitor().name]
    assert judged == pytest.approx(report["distortion"] + report["rate"], rel=1e-5)
    assert float(losses.minimise["model"].detach()) == pytest.approx(judged + 5 * report["total correlation"], rel=1e-5)
