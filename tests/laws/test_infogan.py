"""InfoGAN's bound on the information between codes and images: E log Q(c | x) + H(c) <= I(c; x) <= H(c) (Chen et al.
2016, eq. 5)."""

import math

import pytest
import torch
from torch import Generator, Tensor

from latelier import build
from latelier.errors import Refusal
from latelier.models.infogan import Model

N = 20_000


def bounded(guess: Tensor, code: Tensor) -> Tensor:
    """What the model reports, [n] nats, of a reader that answers ``guess``."""
    torch.manual_seed(0)
    model = build("infogan", (1, 8, 8), codes=code.shape[1], noise_codes=0)
    assert isinstance(model, Model)
    model.reader.forward = lambda trunk: guess  # type: ignore[method-assign]
    return model.known(guess, {"c": code})


def test_who_reads_exactly_has_the_most_and_less_than_the_entropy() -> None:
    code = 2 * torch.rand(N, 5, generator=Generator().manual_seed(0)) - 1
    entropy = 5 * math.log(2)
    best = bounded(code, code)
    torch.testing.assert_close(best, torch.full((N,), entropy - 2.5 * math.log(2 * math.pi)))
    assert float(best.mean()) < entropy
    for other in (torch.zeros_like(code), -code, code + 0.1):
        assert float(bounded(other, code).mean()) < float(best.mean())


def test_who_reads_through_noise_stays_below_the_channels_information() -> None:
    """c uniform on [-1, 1] and read as c + noise of sd s: I(c; x) <= log(1 + var(c) / s^2) / 2, a Gaussian's with the
    same variance. The reader's best guess has an sd below Q's fixed 1, so the bound is
    far from tight and no alarm is false."""
    generator = Generator().manual_seed(0)
    code = 2 * torch.rand(N, 1, generator=generator) - 1
    for sd in (0.01, 0.3, 1.0, 5.0):
        seen = code + sd * torch.randn(N, 1, generator=generator)
        guess = seen / (1 + 3 * sd**2)  # the best linear one
        assert float(bounded(guess, code).mean()) < 0.5 * math.log1p(1 / (3 * sd**2))


def test_a_reader_that_knows_nothing_is_told_so() -> None:
    """Mean log Q of a guess of 0 is -log(2 pi) / 2 - E c^2 / 2, and E c^2 = 1/3 (4 sds of the mean: 0.005)."""
    code = 2 * torch.rand(N, 1, generator=Generator().manual_seed(0)) - 1
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 1 / 6
    assert float(bounded(torch.zeros_like(code), code).mean()) == pytest.approx(expected, abs=0.005)


def with_categories() -> Model:
    torch.manual_seed(0)
    model = build("infogan", (1, 8, 8), codes=2, noise_codes=3, categories=4)
    assert isinstance(model, Model)
    return model


def test_a_categorical_code_is_drawn_evenly_and_adds_its_entropy() -> None:
    model = with_categories()
    code = model.sample_prior(4000, Generator().manual_seed(0))
    assert {name: value.shape[1] for name, value in code.items()} == {"c": 2, "z": 3, "category": 4}
    assert torch.equal(code["category"].sum(1), torch.ones(4000))
    assert float((code["category"].mean(0) - 0.25).abs().max()) < 0.035  # five sds
    without = bounded(code["c"], code["c"])
    sure = torch.cat([code["c"], 50 * code["category"]], 1)
    model.reader.forward = lambda trunk: sure  # type: ignore[method-assign]
    torch.testing.assert_close(model.known(sure, code), without + math.log(4))
    blind = torch.cat([code["c"], torch.zeros(4000, 4)], 1)
    model.reader.forward = lambda trunk: blind  # type: ignore[method-assign]
    torch.testing.assert_close(model.known(blind, code), without)


@torch.no_grad()
def test_encoding_answers_the_likeliest_category_and_decoding_takes_it() -> None:
    model = with_categories().eval()
    image = torch.rand(6, 1, 8, 8, generator=Generator().manual_seed(0))
    code = model.encode(image).mode()
    assert torch.equal(code["category"].argmax(1), model.clusters(image).argmax(1))
    torch.testing.assert_close(model.clusters(image).sum(1), torch.ones(6))
    assert model.decode(code).shape == image.shape
    assert build("infogan", (1, 8, 8)).clusters(image).shape == (6, 0)  # type: ignore[operator]


def test_one_category_is_none() -> None:
    with pytest.raises(Refusal, match="must be 0 for none, or 2 or more"):
        build("infogan", (1, 8, 8), categories=1)
