import math

import pytest
import torch
from scores.fakes import LinearGaussian, Point, noise
from torch import Generator

from latelier.core import Refusal
from latelier.scores import likelihood
from latelier.scores.common import Splits

IMAGES = noise(50)


def scored(model, samples=(1, 10, 100)):
    return likelihood.score(model, Splits(IMAGES, IMAGES), Generator().manual_seed(0), samples=samples)


def test_at_the_exact_posterior_every_bound_is_the_evidence() -> None:
    model, image = LinearGaussian(), IMAGES.floats(slice(None))
    values, evidence = scored(model), float(model.evidence(image).mean())
    for name in ("ELBO", "IWAE-1", "IWAE-10", "IWAE-100"):
        assert values[f"{name} nats/image"] == pytest.approx(evidence, abs=1e-3)
        assert values[f"{name} bits/dim"] == pytest.approx(-evidence / (6 * math.log(2)), abs=1e-3)
    assert values["effective samples of 100"] == pytest.approx(100, abs=0.1)


def test_the_terms_of_the_elbo_in_closed_form() -> None:
    model, image = LinearGaussian(), IMAGES.floats(slice(None))
    q, var, values = model.posterior(image), model.noise**2, scored(model)
    # E_q log p(x | z) = -d/2 log(2 pi var) - (|x - W mean - m|^2 + sum_j sd_j^2 |w_j|^2) / (2 var)
    squared = (image - model.decode(q.mode())).flatten(1).square().sum(1)
    spread = (q.sd.square() * model.w.square().sum(0)).sum(1)
    expected = -3 * math.log(2 * math.pi * var) - (squared + spread) / (2 * var)
    assert values["reconstruction nats/image"] == pytest.approx(float(expected.mean()), abs=1e-3)
    assert values["KL nats/image"] == pytest.approx(float(q.rate()["z"].sum(1).mean()), abs=1e-5)


def test_away_from_it_the_bounds_rise_with_k_towards_the_evidence() -> None:
    model = LinearGaussian(widen=2.0)
    evidence = float(model.evidence(IMAGES.floats(slice(None))).mean())
    values = scored(model, samples=(1, 10, 1000))
    elbo, ten, thousand = (values[f"{name} nats/image"] for name in ("ELBO", "IWAE-10", "IWAE-1000"))
    # Gap of the ELBO: KL(q || p(z | x)) = 2 (widen^2 / 2 - 1/2 - log widen). A log weight has sd 3, so over 50 x 1000
    # draws the standard error is 0.0134: 0.08 is six of them, one false alarm in 10^8.
    assert evidence - elbo == pytest.approx(2 * (1.5 - math.log(2)), abs=0.08)
    assert elbo < ten < thousand  # certain, for nested groups: Jensen
    # A weight over its mean has variance (4 / sqrt(7))^2 - 1 = 1.29: at k = 1000 the bound is 0.0006 under the
    # evidence, with standard error sqrt(1.29 / 50000) = 0.005: 0.03 is again six.
    assert thousand == pytest.approx(evidence, abs=0.03)


def test_no_call_decodes_more_than_the_bound_on_memory(monkeypatch) -> None:
    monkeypatch.setattr(likelihood, "VALUES", 60)
    model = LinearGaussian()
    values = scored(model, samples=(7, 25))
    assert max(model.decoded) <= 60
    assert sum(model.decoded) == 50 * 6 * 25  # and every image had all its samples
    assert values["IWAE-25 nats/image"] == pytest.approx(
        float(model.evidence(IMAGES.floats(slice(None))).mean()), abs=1e-3
    )


def test_a_posterior_without_a_density_has_no_kl() -> None:
    class Blunt(LinearGaussian):
        def log_weight(self, image, samples, generator):
            return torch.zeros(samples, len(image))

        def encode(self, image):
            return Point(super().encode(image).mode())

    assert set(scored(Blunt(), samples=(2,))) == {
        "ELBO nats/image", "ELBO bits/dim", "IWAE-2 nats/image", "IWAE-2 bits/dim", "effective samples of 2",
    }  # fmt: skip


@pytest.mark.parametrize("samples", [(), (0, 5)])
def test_a_k_under_one_is_refused(samples) -> None:
    with pytest.raises(Refusal, match="samples"):
        scored(LinearGaussian(), samples)
