"""InfoGAN's bound on the information between codes and pictures: E log Q(c | x) + H(c) <= I(c; x) <= H(c) (Chen et al.
2016, eq. 5)."""

import math

import pytest
import torch
from torch import Generator, Tensor

from latelier import build
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
