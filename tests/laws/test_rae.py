"""Laws of the regularised autoencoder."""

import pytest
import torch
from every import GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator, nn

from latelier.core import Losses
from latelier.models import autoencoder
from latelier.objectives.smoothness import L2, Gradient, steepness
from latelier.runs.building import assemble


def played(**settings: object) -> tuple[autoencoder.Model, Losses]:
    torch.manual_seed(0)
    net = {"net": "mlp", "net.widths": (8,), "net.activation": "tanh", "latent": 3}
    model, _ = assemble("autoencoder", GREY, (), {**net, **settings})
    assert isinstance(model, autoencoder.Model)
    return model, model.learn(batches_of(Case("autoencoder", GREY)).at(0), progress())


def test_the_slope_of_a_linear_decoder_is_its_matrix() -> None:
    decoder = nn.Linear(3, 40)
    z = torch.randn(4000, 3, generator=Generator().manual_seed(0))
    found = steepness(decoder, z, Generator().manual_seed(1)).detach()
    error = float(found.std()) / 4000**0.5
    assert float(found.mean()) == pytest.approx(float(decoder.weight.detach().square().sum()), abs=4.5 * error)
    assert error < 0.02 * float(found.mean())


def test_what_is_added_is_the_codes_square_and_the_decoders_weights_or_slope() -> None:
    plain, losses = played()
    z, error = plain.encode(batches_of(Case("autoencoder", GREY)).at(0).image).mode()["z"], losses.report["error"]
    square = 0.5 * z.square().sum(1)
    weights = sum(weight.square().sum() for weight in plain.decoder.parameters())
    _, by_l2 = played(penalty="l2", **{"penalty.codes": 0.5, "penalty.weights": 0.1})
    torch.testing.assert_close(by_l2.report["error"], error)
    torch.testing.assert_close(by_l2.minimise["model"], (error + 0.5 * square).mean() + 0.1 * weights)
    _, by_slope = played(penalty="gradient", **{"penalty.codes": 0.5, "penalty.slope": 0.1})
    slope = steepness(plain.decoder, z, progress().generator)
    torch.testing.assert_close(by_slope.minimise["model"], (error + 0.5 * square + 0.1 * slope).mean())
    assert "penalty" not in losses.report


def test_the_decoders_slope_does_not_teach_the_encoder() -> None:
    for weight in (0.0, 5.0):
        model, losses = played(penalty="gradient", **{"penalty.slope": weight})
        found = torch.autograd.grad(losses.minimise["model"], list(model.encoder.parameters()))
        if weight == 0:
            without = found
    for one, other in zip(found, without, strict=True):
        torch.testing.assert_close(one, other)


def test_without_weight_they_cost_nothing() -> None:
    z, generator = torch.randn(4, 3, generator=Generator().manual_seed(0)), Generator().manual_seed(0)
    for penalty in (L2(0.0, 0.0), Gradient(0.0, 0.0)):
        assert not penalty(nn.Linear(3, 5), z, generator).any()
