"""Laws of the prior that mixes posteriors of learned images."""

import pytest
import torch
from every import GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator, distributions

from latelier.core import Batch
from latelier.errors import Refusal
from latelier.models import vae
from latelier.models.vae import Diagonal
from latelier.objectives.importance import elbo
from latelier.objectives.vamp import PseudoInputs, drawn, log_mixture
from latelier.runs.building import assemble


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def mixed(components: int, numbers: int) -> tuple[Diagonal, distributions.MixtureSameFamily]:
    mean, log_variance = torch.randn(2, components, numbers, generator=seeded())
    parts = distributions.Independent(distributions.Normal(mean, (0.5 * log_variance).exp()), 1)
    even = distributions.Categorical(torch.ones(components))
    return Diagonal(mean, log_variance), distributions.MixtureSameFamily(even, parts)


@pytest.mark.parametrize("components", [1, 5])
def test_the_density_is_the_mixtures(components: int) -> None:
    q, wanted = mixed(components, 3)
    z = torch.randn(4, 6, 3, generator=seeded(1))
    torch.testing.assert_close(log_mixture(z, q, keep=2), wanted.log_prob(z))
    torch.testing.assert_close(log_mixture(z[0], q), wanted.log_prob(z[0]))
    maps = Diagonal(q.mean.view(-1, 3, 1, 1), q.log_variance.view(-1, 3, 1, 1))
    torch.testing.assert_close(log_mixture(z[0].view(6, 3, 1, 1), maps), wanted.log_prob(z[0]))


def test_draws_have_the_mixtures_moments() -> None:
    q, wanted = mixed(5, 3)
    z = drawn(q, 20_000, seeded())
    error = (wanted.variance / 20_000).sqrt()
    assert ((z.mean(0) - wanted.mean).abs() < 5 * error).all()
    torch.testing.assert_close(z.var(0), wanted.variance, rtol=0.1, atol=0)


def model_of(**settings: object) -> vae.Model:
    torch.manual_seed(0)
    net = {"net": "mlp", "net.widths": (8,), "latent": 3, "prior": "vamp", "prior.components": 4}
    model, _ = assemble("vae", GREY, (), {**net, **settings})
    assert isinstance(model, vae.Model)
    return model


@pytest.fixture
def batch() -> Batch:
    return batches_of(Case("vae", GREY)).at(0)


def test_an_image_that_is_the_only_component_costs_nothing(batch: Batch) -> None:
    model = model_of(**{"prior.components": 1})
    with torch.no_grad():
        model.pseudo.pixels.copy_(batch.image[:1])
    report = model.learn(batch, progress()).report
    assert report["rate"][0].abs() < 1e-5
    assert (report["rate"][1:].abs() > 1e-3).all()


def test_the_rate_is_the_divergence_in_the_mean(batch: Batch) -> None:
    """Of one component, of which it is known."""
    model = model_of(**{"prior.components": 1})
    with torch.no_grad():
        q, (p_mean, p_log_variance) = (
            model.encode(batch.image),
            (part[0] for part in (model.components().mean, model.components().log_variance)),
        )
        one, other = (
            distributions.Normal(mean, (0.5 * log_variance).exp())
            for mean, log_variance in ((q.mean + 1, q.log_variance - 1), (p_mean, p_log_variance))
        )
        moved = Diagonal(q.mean + 1, q.log_variance - 1)
        found = torch.stack([model.rate(moved, moved.sample(seeded(seed))["z"]) for seed in range(400)])
    wanted = distributions.kl_divergence(one, other).sum(1)
    assert ((found.mean(0) - wanted).abs() < 5 * found.std(0) / 400**0.5).all()


def test_weights_and_report_are_of_one_bound(batch: Batch) -> None:
    model = model_of()
    report = model.learn(batch, progress()).report
    torch.testing.assert_close(report["elbo"], elbo(model.log_weight(batch.image, 1, progress().generator)))
    iwae = model_of(objective="iwae", **{"objective.draws": 1}).tighten(batch, progress()).report
    torch.testing.assert_close(iwae["iwae"], report["elbo"])


def test_samples_come_from_the_components() -> None:
    model = model_of()
    z = model.sample_prior(5, seeded())["z"]
    assert torch.equal(z, drawn(model.components(), 5, seeded()))
    assert model.encode(torch.rand(2, *GREY, generator=seeded())).rate() == {}


def test_what_compares_with_another_prior_is_refused() -> None:
    with pytest.raises(Refusal, match="compares codes with N"):
        model_of(penalty="mmd")


def test_learned_images_begin_as_noise_about_mid_grey_and_are_held_between_black_and_white() -> None:
    torch.manual_seed(0)
    images = PseudoInputs(50, (3, 10, 10))
    begun = images.pixels.detach().clone()
    assert begun.shape == (50, 3, 10, 10)
    assert float(begun.mean()) == pytest.approx(0.5, abs=5 * 0.1 / 15_000**0.5)
    assert float(begun.std()) == pytest.approx(0.1, abs=5 * 0.1 / 30_000**0.5)
    assert torch.equal(images(), begun)
    with torch.no_grad():
        images.pixels.copy_((begun - 0.5) * 100)
    assert torch.equal(images(), ((begun - 0.5) * 100).clamp(0, 1))
    assert set(images().unique().tolist()) >= {0.0, 1.0}
