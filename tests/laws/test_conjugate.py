"""Conjugate draws of the sampled deconvolutional network: against closed forms, and against enumeration."""

import math

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.core import Fits, need
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.models.dgdn_sampled import Model
from latelier.nets.unpool import Tiling, one_hot, unpool
from latelier.objectives.conjugate import linear_gaussian, precision, redraw_positions, solved
from latelier.objectives.expectation import beyond_the_mean
from latelier.runs.building import build


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_the_mode_is_ridge_regression() -> None:
    x, y = torch.randn(20, 5, generator=seeded()).double(), torch.randn(20, generator=seeded(1)).double()
    alpha, sd = torch.tensor(3.0).double(), 0.7
    found = linear_gaussian(lambda w: x @ w, y, torch.zeros(5).double(), alpha, sd, None, keep=0)
    exact = torch.linalg.solve(alpha * x.T @ x + torch.eye(5).double() / sd**2, alpha * x.T @ y)
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4)


def test_draws_have_the_posteriors_mean_and_covariance() -> None:
    x, y = torch.randn(6, 3, generator=seeded()), torch.randn(6, generator=seeded(1))
    alpha, sd, n, generator = torch.tensor(2.0), 0.8, 500, seeded(2)
    draws = [linear_gaussian(lambda w: x @ w, y, torch.zeros(3), alpha, sd, generator, keep=0) for _ in range(n)]
    found = torch.stack(draws)
    covariance = torch.linalg.inv(alpha * x.T @ x + torch.eye(3) / sd**2)
    spread = covariance.diagonal().sqrt()
    # Means within five standard errors; covariances, whose standard errors are under sqrt(2 / n) of the variances, too.
    assert ((found.mean(0) - alpha * covariance @ (x.T @ y)).abs() < 5 * spread / n**0.5).all()
    assert ((found.T.cov() - covariance).abs() < 5 * math.sqrt(2 / n) * spread[:, None] * spread).all()


def test_systems_of_a_batch_are_solved_each_by_itself() -> None:
    x = torch.randn(4, 3, generator=seeded())
    y = torch.randn(5, 4, generator=seeded(1))
    alpha = torch.tensor(2.0)
    joint = linear_gaussian(lambda w: w @ x.T, y, torch.zeros(5, 3), alpha, 1.0, seeded(3), keep=1)
    alone = linear_gaussian(lambda w: w @ x.T, y[2:3], torch.zeros(1, 3), alpha, 1.0, seeded(3), keep=1)
    torch.testing.assert_close(joint[2:3], alone, rtol=1e-3, atol=1e-4)


def test_systems_of_all_sizes_are_solved_from_any_start() -> None:
    """None stops with the largest, and the smallest moves at all."""
    turn = torch.linalg.qr(torch.randn(3, 4, 4, generator=seeded(), dtype=torch.float64))[0]
    own = torch.tensor([[1.0, 2, 5, 50], [1.5, 3, 8, 40], [1.2, 4, 10, 30]], dtype=torch.float64)
    a = turn @ torch.diag_embed(own) @ turn.mT  # too long for steepest descent, and for all of them as one system
    size = torch.tensor([1e-4, 1.0, 1e4], dtype=torch.float64)[:, None]
    right, start = size * torch.randn(2, 3, 4, generator=seeded(1), dtype=torch.float64)
    found = solved(lambda w: (a @ w[..., None])[..., 0], right, start, keep=1)
    torch.testing.assert_close(found / size, torch.linalg.solve(a, right) / size, rtol=0, atol=1e-3)
    torch.testing.assert_close(solved(lambda w: a[0] @ w, right[0], start[0], keep=0), found[0], rtol=1e-3, atol=1e-7)


def test_a_draw_that_nothing_is_known_of_is_one_of_its_prior() -> None:
    draw = linear_gaussian(
        lambda w: 0 * w, torch.ones(4000), torch.zeros(4000), torch.tensor(1.0), 0.2, seeded(), keep=0
    )
    assert float(draw.std()) == pytest.approx(0.2, rel=5 / math.sqrt(2 * 4000))
    assert abs(float(draw.mean())) < 5 * 0.2 / math.sqrt(4000)


def test_precision_is_one_over_the_variance_and_bounded() -> None:
    residual = 0.5 * torch.randn(40_000, generator=seeded())
    for generator in (None, seeded(1)):
        assert float(precision(residual, 0.01, generator)) == pytest.approx(4.0, rel=0.05)  # seven standard errors
        assert float(precision(0 * residual, 0.1, generator)) == pytest.approx(100.0)


def test_precision_of_a_few_residuals_is_that_of_their_gamma_law() -> None:
    """Six of them: shape 1 + 3, rate .001 + half of their squares. The draw is as far up in it as its noise is in the
    normal law, but for the error of the cube root."""
    residual = torch.tensor([0.5, -0.2, 0.3, 0.1, -0.4, 0.6])
    rate = 1e-3 + float(residual.square().sum()) / 2
    assert float(precision(residual, 0.01, None)) == pytest.approx(3 / rate)
    for seed in range(20):
        noise = torch.randn((), generator=seeded(seed))
        share = torch.special.gammainc(torch.tensor(4.0), precision(residual, 0.01, seeded(seed)) * rate)
        assert float(share) == pytest.approx(float(torch.special.ndtr(noise)), abs=2e-3)


def test_positions_are_drawn_from_their_conditionals() -> None:
    """Two blocks that a filter joins: the chain's joint frequencies are the posterior of all sixteen pairs."""
    tiling = Tiling(2, 2, 4)
    dictionary = torch.randn(1, 1, 2, 2, generator=seeded(3))
    values, alpha = torch.tensor([[[[1.0, -0.8]]]]), torch.tensor(1.5)
    image = torch.randn(1, 1, 3, 5, generator=seeded(4))

    def drawn(pair: Tensor) -> Tensor:
        weight = one_hot(pair[None], 4)
        return functional.conv_transpose2d(tiling.join(unpool(tiling.flat(values), weight)), dictionary)

    pairs = [torch.tensor([a, b]) for a in range(4) for b in range(4)]
    exact = torch.stack([-0.5 * alpha * (image - drawn(pair)).square().sum() for pair in pairs]).softmax(0)
    weight, counts, generator, n = one_hot(torch.tensor([[0, 0]]), 4), torch.zeros(16), seeded(5), 800
    for _ in range(n):
        rest = image - drawn(weight.argmax(1)[0])
        left, weight, chance = redraw_positions(rest, values, weight, dictionary, tiling, alpha, generator)
        a, b = weight.argmax(1)[0].tolist()
        counts[4 * a + b] += 1
    torch.testing.assert_close(left, image - drawn(weight.argmax(1)[0]), rtol=1e-4, atol=1e-5)
    # The block that was drawn last was drawn from its conditional given the other as it is now.
    given = torch.stack([-0.5 * alpha * (image - drawn(torch.tensor([a, m]))).square().sum() for m in range(4)])
    torch.testing.assert_close(chance[0, :, 1], given.softmax(0), rtol=1e-4, atol=1e-5)
    # Steps of the chain hang together: the standard error is taken as twice that of independent ones, five of them.
    assert ((counts / n - exact).abs() < 10 * (exact * (1 - exact) / n).sqrt() + 1e-3).all()


def test_blocks_that_a_filter_joins_are_drawn_one_after_another() -> None:
    """Also those that touch at a corner: each is drawn given the others as they are at its turn."""
    tiling, generator = Tiling(2, 4, 4), seeded(3)
    dictionary = torch.randn(1, 1, 3, 3, generator=generator)
    values, alpha = torch.tensor([[[[1.0, -0.8], [0.7, 1.2]]]]), torch.tensor(0.6)
    image = torch.randn(1, 1, 6, 6, generator=generator)

    def rest(place: list[int]) -> Tensor:
        weight = one_hot(torch.tensor([place]), 4)
        return image - functional.conv_transpose2d(tiling.join(unpool(tiling.flat(values), weight)), dictionary)

    before = [0, 3, 1, 2]
    start = one_hot(torch.tensor([before]), 4)
    found = redraw_positions(rest(before), values, start, dictionary, tiling, alpha, seeded(4))
    now = found.weight.argmax(1)[0].tolist()
    for block in range(4):
        others = [[*now[:block], place, *before[block + 1 :]] for place in range(4)]
        given = torch.stack([-0.5 * alpha * rest(place).square().sum() for place in others]).softmax(0)
        torch.testing.assert_close(found.chance[0, :, block], given, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (4, 2), (2, 6), (5, 5)])
def test_positions_that_draw_an_image_stay_where_its_noise_is_small(height: int, width: int) -> None:
    """Two images of two channels, two maps: each block of each keeps its own."""
    tiling, generator = Tiling(2, height, width), seeded(3)
    blocks = (height + 1) // 2 * ((width + 1) // 2)
    dictionary = torch.randn(2, 2, 3, 3, generator=generator)
    values = 4 * torch.rand(2, 2, (height + 1) // 2, (width + 1) // 2, generator=generator) + 0.5
    place = torch.randint(4 if tiling.whole else 1, (2, 2 * blocks), generator=generator)  # the first is in the image
    weight = one_hot(place, 4)

    def drawn(weight: Tensor) -> Tensor:
        return functional.conv_transpose2d(tiling.join(unpool(tiling.flat(values), weight)), dictionary)

    noise = 0.01 * torch.randn(drawn(weight).shape, generator=generator)
    found = redraw_positions(noise, values, weight, dictionary, tiling, torch.tensor(1e4), seeded())
    assert torch.equal(found.weight, weight)
    torch.testing.assert_close(found.rest, noise, rtol=0, atol=1e-4)
    torch.testing.assert_close(found.chance, weight, rtol=0, atol=0.05)


def test_a_sweep_leaves_chances_that_add_up_and_what_its_draws_leave() -> None:
    """And two images alike are drawn alike: they share their noise."""
    tiling, generator = Tiling(2, 6, 6), seeded(3)
    dictionary = torch.randn(2, 2, 2, 2, generator=generator)
    values = torch.rand(1, 2, 3, 3, generator=generator).expand(2, -1, -1, -1)
    image = torch.randn(1, 2, 7, 7, generator=generator).expand(2, -1, -1, -1)
    weight = one_hot(torch.zeros(2, 18, dtype=torch.int64), 4)

    def rest(weight: Tensor) -> Tensor:
        return image - functional.conv_transpose2d(tiling.join(unpool(tiling.flat(values), weight)), dictionary)

    found = redraw_positions(rest(weight), values, weight, dictionary, tiling, torch.tensor(0.1), seeded())
    torch.testing.assert_close(found.chance.sum(1), torch.ones(2, 18))
    torch.testing.assert_close(found.rest, rest(found.weight), rtol=1e-4, atol=1e-5)
    assert not torch.equal(found.weight, weight)
    assert torch.equal(found.weight[..., :9], found.weight[..., 9:])


def test_a_sum_over_positions_is_the_mean_image_and_what_lies_beyond() -> None:
    tiling = Tiling(2, 4, 4)
    dictionary = torch.randn(2, 3, 3, 3, generator=seeded())
    chance = torch.randn(2, 4, 4, generator=seeded(1)).softmax(1)
    beyond = beyond_the_mean(dictionary, chance, tiling)
    image = torch.randn(1, 3, 6, 6, generator=seeded(2))
    for map, block in ((0, 1), (1, 2)):
        here = torch.zeros(2, 4)
        here[map, block] = 1.7

        def error(weight: Tensor, here: Tensor = here) -> Tensor:
            drawn = functional.conv_transpose2d(tiling.join(unpool(here, weight)), dictionary)
            return (image - drawn).square().sum()

        every = [error(one_hot(torch.full((2, 4), position), 4)) for position in range(4)]
        exact = (chance[map, :, block] * torch.stack(every)).sum()
        torch.testing.assert_close(error(chance) + 1.7**2 * beyond[map, block], exact, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        beyond_the_mean(dictionary, one_hot(torch.zeros(2, 4), 4), tiling), torch.zeros(2, 4), rtol=0, atol=1e-4
    )


def test_codes_summed_over_positions_are_the_most_likely() -> None:
    """No neighbour is more likely, by the sum written out."""
    torch.manual_seed(0)
    model = build("dgdn_sampled", (1, 8, 8), maps=(3, 4), kernels=(3, 2), pools=(2,), inference="mcem")
    assert isinstance(model, Model)
    x = torch.randn(1, 1, 8, 8, generator=seeded(1))
    chance = torch.randn(3, 4, model.tiling.cells, generator=seeded(2)).softmax(1)
    beyond = beyond_the_mean(model.lower, chance, model.tiling)

    def unlikely(s: Tensor) -> Tensor:
        error = (x - model.drawn(s, chance)).square().sum()
        further = (beyond * model.tiling.flat(model._values(s, None)).square()).sum()
        return (model.alpha * (error + further) + s.square().sum()) / 2

    found = model._summed(x, torch.zeros(1, *model.latents["s"].shape), chance)
    best = unlikely(found)
    for seed in range(20):
        step = 0.03 * torch.randn(found.shape, generator=seeded(seed))
        assert unlikely(found + step) > best


@pytest.mark.slow
@pytest.mark.parametrize("inference", ["gibbs", "mcem"])
def test_a_fit_explains_digits(inference: str) -> None:
    images = open_images("digits").take(torch.arange(40).numpy())
    torch.manual_seed(0)
    sweeps = {"inference.sweeps": 6, "inference.burn": 6, "inference.kept": 4}
    model = build("dgdn_sampled", (1, 8, 8), maps=(4, 6), kernels=(3, 2), pools=(2,), inference=inference, **sweeps)
    assert isinstance(model, Model)
    report = need(model, Fits).fit(images.blocks, seeded())
    image = images.floats(slice(None))
    plain = float((image - image.mean(0)).square().sum((1, 2, 3)).mean())
    assert report["squared error"] < 0.8 * plain
    assert report["alpha"] <= 400 + 1e-3
    again = model.decode(model.encode(image).mode())
    assert float((again - image).square().sum((1, 2, 3)).mean()) < 0.85 * plain


def test_nets_of_several_poolings_are_refused() -> None:
    with pytest.raises(Refusal, match="these nets have 2; give maps"):
        build("dgdn_sampled", (3, 32, 32))
