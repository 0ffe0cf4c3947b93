import math

import numpy as np
import pytest
import torch
from scores.fakes import LinearGaussian, Point, images_from, noise
from torch import Generator

from latelier.core import Batch, Model, Progress
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.nets.ascent import hard
from latelier.objectives import gaussian
from latelier.runs.building import build
from latelier.scores import likelihood
from latelier.scores.common import Splits
from latelier.scores.record import run_scores

IMAGES = noise(50)


def scored(model, samples=(1, 10, 100)):
    return likelihood.score(model, Splits(IMAGES, IMAGES), Generator().manual_seed(0), samples=samples)


def coins(image: tuple[int, int, int] = (1, 4, 4)) -> Model:
    """A VAE of black and white pixels."""
    return build("vae", image, net="mlp", **{"net.widths": (8,)}, latent=2, likelihood="bernoulli")


def test_at_the_exact_posterior_every_bound_is_the_evidence() -> None:
    model, image = LinearGaussian(), IMAGES.floats(slice(None))
    values, evidence = scored(model), float(model.evidence(image).mean())
    for name in ("ELBO", "IWAE-1", "IWAE-10", "IWAE-100"):
        assert values[f"density {name} nats/image"] == pytest.approx(evidence, abs=1e-3)
    assert values["effective samples of 100"] == pytest.approx(100, abs=0.1)


def test_the_terms_of_the_elbo_in_closed_form() -> None:
    model, image = LinearGaussian(), IMAGES.floats(slice(None))
    q, var, values = model.posterior(image), model.noise**2, scored(model)
    # E_q log p(x | z) = -d/2 log(2 pi var) - (|x - W mean - m|^2 + sum_j sd_j^2 |w_j|^2) / (2 var)
    squared = (image - model.decode(q.mode())).flatten(1).square().sum(1)
    spread = (q.sd.square() * model.w.square().sum(0)).sum(1)
    expected = -3 * math.log(2 * math.pi * var) - (squared + spread) / (2 * var)
    assert values["density reconstruction nats/image"] == pytest.approx(float(expected.mean()), abs=1e-3)
    assert values["KL nats/image"] == pytest.approx(float(q.rate()["z"].sum(1).mean()), abs=1e-5)


def test_away_from_it_the_bounds_rise_with_k_towards_the_evidence() -> None:
    model = LinearGaussian(widen=2.0)
    evidence = float(model.evidence(IMAGES.floats(slice(None))).mean())
    values = scored(model, samples=(1, 10, 1000))
    elbo, ten, thousand = (values[f"density {name} nats/image"] for name in ("ELBO", "IWAE-10", "IWAE-1000"))
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
    assert values["density IWAE-25 nats/image"] == pytest.approx(
        float(model.evidence(IMAGES.floats(slice(None))).mean()), abs=1e-3
    )


def test_a_posterior_without_a_density_has_no_kl() -> None:
    class Blunt(LinearGaussian):
        def log_weight(self, image, samples, generator):
            return torch.zeros(samples, len(image))

        def encode(self, image):
            return Point(super().encode(image).mode())

    names = ("density ELBO nats/image", "density IWAE-2 nats/image")
    assert set(scored(Blunt(), samples=(2,))) == {
        *names, *(f"{name} se" for name in names), "effective samples of 2",
    }  # fmt: skip


def test_a_density_of_pixels_is_called_one_and_has_no_bits() -> None:
    values = scored(LinearGaussian())
    assert not [name for name in values if "bits" in name]
    assert all(name.startswith(("density", "KL", "effective")) for name in values)


def test_coins_bound_the_probability_of_black_and_white_pixels_alone() -> None:
    """Of grey ones a cross-entropy is no -log p: the score says what it is, and has neither bounds nor bits."""
    white = np.random.default_rng(0).integers(0, 2, (20, 4, 4, 1)) * 255
    both = [
        likelihood.score(coins(), Splits(images, images), Generator().manual_seed(0), samples=(1, 2))
        for images in (images_from(white), images_from(white // 2))
    ]
    assert both[0]["ELBO bits/dim"] == pytest.approx(-both[0]["ELBO nats/image"] / (16 * math.log(2)))
    assert "IWAE-2 bits/dim" in both[0]
    assert {name for name in both[1] if not name.endswith(" se")} == {
        "-(cross-entropy + KL) nats/image", "-cross-entropy nats/image", "KL nats/image",
    }  # fmt: skip


def test_neither_training_nor_the_score_calls_a_grey_cross_entropy_a_bound() -> None:
    batch = Batch(torch.full((2, 1, 4, 4), 0.4), torch.arange(2), torch.zeros(2), torch.zeros(2, 0), torch.zeros(2, 0))
    report = coins().moves()[0](batch, Progress(0, 1, Generator().manual_seed(0))).report
    assert "elbo" not in report
    assert {"distortion", "rate"} <= set(report)


def test_the_error_of_the_mean_over_images_stands_beside_it() -> None:
    model, image = LinearGaussian(), IMAGES.floats(slice(None))
    values, evidence = scored(model), model.evidence(image)  # the exact posterior: each image's bound is its evidence
    assert values["density ELBO nats/image se"] == pytest.approx(float(evidence.std()) / math.sqrt(50), rel=1e-3)


def test_by_default_so_many_images_are_taken_that_ten_thousand_cost_no_more() -> None:
    images = noise(300)
    record = run_scores(LinearGaussian(), Splits(images, images), ["likelihood"])[0]
    assert record["n"] == likelihood.LIMIT == 200
    assert "Measured on 200 of 300 test images" in record["protocol"]
    assert run_scores(LinearGaussian(), Splits(images, images), ["likelihood"], limit=300)[0]["n"] == 300


def test_positions_that_are_drawn_cost_what_they_cost_under_q() -> None:
    """reconstruction = ELBO + KL: the mean of log p(x | s, z) over draws of the network's own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("dgdn", (1, 8, 8), maps=(6, 8), kernels=(3, 2), pools=(2,)).eval()
        with torch.no_grad():  # codes that hang much on the positions below them
            model.encoder.top.mean.weight.mul_(8)
    images = open_images("digits", split="test").take(np.arange(4))
    values = likelihood.score(model, Splits(images, images), Generator().manual_seed(0), samples=(400,))
    image, generator = images.floats(slice(None)), Generator().manual_seed(1)
    with torch.no_grad():
        q, likely = model.encode(image), []
        for _ in range(400):
            up = q.ascend(hard(generator))
            s = gaussian.sample(up.mean, up.log_variance, generator)
            likely.append(model.likelihood.log_likelihood(image, model.draw(s, up.weight)).mean())
    drawn = torch.stack(likely)
    # The divergence is a mean over 16 draws, the others' standard errors are .08: by the likeliest positions they
    # were 2.6 apart.
    assert values["density reconstruction nats/image"] == pytest.approx(float(drawn.mean()), abs=0.7)


@pytest.mark.parametrize("samples", [(), (0, 5)])
def test_a_k_under_one_is_refused(samples) -> None:
    with pytest.raises(Refusal, match="samples"):
        scored(LinearGaussian(), samples)
