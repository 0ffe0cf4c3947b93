"""The deconvolutional network: sizes, linearity, one position for encoder and decoder, what a draw is rewarded for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional

from latelier.config.settings import to_json
from latelier.core import Batch, Progress
from latelier.data.sources.open import open_images
from latelier.engine.state import check_card
from latelier.errors import Refusal
from latelier.models.dgdn import Model
from latelier.nets.ascent import Choice, hard, likeliest
from latelier.nets.deconv import layers_of
from latelier.nets.unpool import Positions, one_hot
from latelier.objectives import gaussian
from latelier.objectives.estimator import Score
from latelier.objectives.importance import elbo
from latelier.runs.building import build
from latelier.runs.compatibility import settings_of

IMAGE = (1, 8, 8)
LATER = ("pooling", "nonlinearity", "norm")
SMALL: dict[str, Any] = {"maps": (6, 8), "kernels": (3, 2), "pools": (2,)}
DRAWN: dict[str, Any] = {"pooling": "drawn", "estimator": "score"}
STEPPED: dict[str, Any] = {"likelihood": "gaussian", "likelihood.sigma": 0.3, "likelihood.floor": 0.05}
DEEP: dict[str, Any] = {"maps": (4, 5, 6), "kernels": (3, 3, 1), "pools": (2, 2)}  # blocks over the edge at layer 2


def made(image: tuple[int, int, int] = IMAGE, seed: int = 0, **settings: Any) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build("dgdn", image, **settings)
    assert isinstance(model, Model)
    return model


def digits(n: int = 16) -> Batch:
    images = open_images("digits")
    none = torch.zeros(n, 0, dtype=torch.int64)
    return Batch(images.floats(slice(n)), torch.arange(n), torch.from_numpy(images.label[:n]), none, none)


def at(seed: int = 0) -> Progress:
    return Progress(0, 1, Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("image", "sizes", "code"),
    [
        ((1, 28, 28), [(21, 21), (2, 2)], 320),
        ((3, 32, 32), [(28, 28), (10, 10), (1, 1)], 128),
        ((3, 128, 128), [(122, 122), (27, 27), (10, 10)], 8_400),
        ((3, 256, 256), [(252, 252), (59, 59), (26, 26), (9, 9), (1, 1)], 512),
    ],
)
def test_sizes_of_the_sources_table(image: tuple[int, int, int], sizes: list[tuple[int, int]], code: int) -> None:
    layers = layers_of(image, (), (), ())
    assert [layer.size for layer in layers] == sizes
    assert layers[-1].maps * sizes[-1][0] * sizes[-1][1] == code


@pytest.mark.parametrize("settings", [SMALL, DEEP, {}])
@pytest.mark.parametrize("shape", [IMAGE, (3, 11, 14)])
def test_what_is_drawn_is_as_large_as_the_image(shape: tuple[int, int, int], settings: dict[str, Any]) -> None:
    if settings is DEEP and shape == IMAGE:
        settings = {**DEEP, "kernels": (3, 2, 1)}
    model = made(shape, **settings)
    image = torch.rand(2, *shape, generator=Generator().manual_seed(0))
    assert model.decode(model.encode(image).mode()).shape == image.shape
    assert model.decode(model.sample_prior(2, Generator().manual_seed(0))).shape == image.shape


@pytest.mark.parametrize("settings", [SMALL, {"unpool": "deterministic", **SMALL}])
def test_linear_in_the_code_for_given_positions(settings: dict[str, Any]) -> None:
    model = made(**settings).double()
    given = model.weights(model.sample_prior(3, Generator().manual_seed(0)))
    weights = None if given is None else [weight.double() for weight in given]
    one, other = torch.randn(2, 3, *model.latents["s"].shape, dtype=torch.float64)
    joint = model.decoder(2 * one - 3 * other, weights)
    torch.testing.assert_close(joint, 2 * model.decoder(one, weights) - 3 * model.decoder(other, weights))
    assert not model.decoder(torch.zeros_like(one), weights).any()


def test_the_decoder_places_values_where_the_encoder_kept_them() -> None:
    model = made(**SMALL, **DRAWN)
    placed: list[Tensor] = []
    model.decoder.dictionaries[0].register_forward_pre_hook(lambda _, inputs: placed.append(inputs[0]))
    q = model.encode(digits().image)
    up = q.ascend(hard(Generator().manual_seed(0)))
    model.decode(model.code(up, up.mean))
    kept = model.drawn["z1"].join(up.weight[0]) > 0
    assert (placed[0][~kept] == 0).all()
    assert (placed[0][kept] != 0).float().mean() > 0.99


def test_the_code_follows_from_the_positions_below_it_only_where_pooling_keeps_drawn_values() -> None:
    for settings, same in ((DRAWN, False), ({}, True)):
        model = made(**SMALL, **settings)
        q = model.encode(digits().image)
        one, other = (q.ascend(hard(Generator().manual_seed(seed))) for seed in range(2))
        assert not torch.equal(one.weight[0], other.weight[0])
        assert torch.equal(one.mean, other.mean) == same
        slopes = torch.autograd.grad(one.mean.sum(), list(model.encoder.positions.parameters()), allow_unused=True)
        assert all(slope is None for slope in slopes)  # a draw passes no gradient, and the largest asks for none


def test_pooling_keeps_the_largest_value() -> None:
    model, image = made(**SMALL).eval(), digits().image
    map = model.encoder.filters[0](image - model.centre.mean)
    pooled = functional.max_pool2d(map, 2)
    torch.testing.assert_close(model.features(image, "pool1"), pooled.flatten(1))
    rectified = made(**SMALL, nonlinearity="relu").eval()
    torch.testing.assert_close(rectified.features(image, "pool1"), pooled.relu().flatten(1))
    normed = functional.group_norm(map, 2)  # as many groups as divide both six maps and eight
    torch.testing.assert_close(
        made(**SMALL, norm="group").eval().features(image, "pool1"), functional.max_pool2d(normed, 2).flatten(1)
    )


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        {"unpool": "deterministic", **SMALL},
        {"estimator": "relaxed", **SMALL},
        {**SMALL, **DRAWN},
        {**DEEP, "kernels": (3, 2, 1)},
        {**DEEP, "kernels": (3, 2, 1), "estimator.above": "score"},
    ],
)
def test_the_reported_bound_is_the_mean_log_weight(settings: dict[str, Any]) -> None:
    """With positions' divergence in closed form in one and as log q of draws in the other, and with an exact estimator
    the expectation over positions beside draws of them."""
    model = made(**settings).eval()
    with torch.no_grad():
        for positions in model.encoder.positions:
            assert isinstance(positions, Positions)
            positions.upper.weight.mul_(6)
    batch = digits(4)
    with torch.no_grad():
        reported = torch.stack([model.learn(batch, at(seed)).report["elbo"] for seed in range(120)])
        weighed = model.log_weight(batch.image, 120, Generator().manual_seed(1))
    error = (reported.var(0) / 120 + weighed.var(0) / 120).sqrt()
    # Four images, four and a half standard errors: once in 37,000.
    assert ((reported.mean(0) - elbo(weighed)).abs() < 4.5 * error).all()


def test_what_relaxed_positions_give_in_training_is_not_called_a_bound() -> None:
    model, batch = made(estimator="relaxed", **SMALL).train(), digits(4)
    assert "elbo" not in model.learn(batch, at()).report
    assert "relaxed bound" in model.learn(batch, at()).report
    for bounded in ({}, DRAWN, {"unpool": "deterministic"}, {"estimator": "relaxed", "unpool": "deterministic"}):
        assert "elbo" in made(**bounded, **SMALL).train().learn(batch, at()).report
    two: dict[str, Any] = {**DEEP, "kernels": (3, 2, 1)}
    assert "elbo" not in made(**two).train().learn(batch, at()).report  # relaxed above the lowest
    assert "elbo" in made(**two, **{"estimator.above": "score"}).train().learn(batch, at()).report


def test_the_posteriors_divergence_is_that_under_q_and_does_not_hang_on_other_images() -> None:
    model, image = made(**SMALL, **DRAWN), digits(6).image
    with torch.no_grad():
        q, generator = model.encode(image), Generator().manual_seed(5)
        drawn = [q.ascend(hard(generator)) for _ in range(400)]
        exact = torch.stack([gaussian.kl_to_standard(up.mean, up.log_variance).sum(1) for up in drawn]).mean(0)
        found, alone = q.rate(), model.encode(image[2:3]).rate()
        up = q.ascend(likeliest)
        likely = gaussian.kl_to_standard(up.mean, up.log_variance).sum(1)
    assert float(found["s"].sum(1).mean() / exact.mean()) == pytest.approx(1, abs=0.1)
    assert float(likely.mean() / exact.mean()) != pytest.approx(1, abs=0.15)  # by the likeliest positions it is another
    for name, value in found.items():
        torch.testing.assert_close(value[2:3], alone[name])


@dataclass(frozen=True)
class Forced(Score):
    """Takes the one position that it is told."""

    position: int = 0

    def choice(self, progress: Progress, training: bool) -> Choice:
        return lambda number, log_q: one_hot(torch.full(log_q[:, 0].shape, self.position), 4)


def cost_of(s: Tensor) -> Tensor:
    """A loss of the code, as a label head's."""
    return 3 * (s[:, :4] - 1).square().sum(1)


def one_block(**settings: Any) -> Model:
    """Of one map with one block of 2 x 2 positions, far from even ones."""
    model = made(maps=(1, 2), kernels=(7, 1), pools=(2,), hidden=3, seed=3, **STEPPED, **settings).eval()
    with torch.no_grad():
        model.encoder.positions[0].upper.weight.mul_(6)
        model.encoder.top.log_sd.bias.fill_(-9)  # next to no noise in the code itself
        model.encoder.top.mean.weight.mul_(5)
    return model


def test_the_exact_estimators_cost_is_the_mean_over_positions() -> None:
    """Enumerated on a block of 2 x 2, and by draws on more."""
    model, batch = one_block(), digits(1)
    q = model.encode(batch.image)
    up = q.ascend(hard(Generator()))
    chance = up.log_q[0].exp()
    assert chance.amax() > 0.3
    assert chance.amax() < 0.95
    each = [
        model.likelihood.distortion(batch.image, model.draw(up.mean, [one_hot(torch.full((1, 1), place), 4)]))
        for place in range(4)
    ]
    expected = (torch.cat(each) * chance[0, :, 0]).sum()
    torch.testing.assert_close(model.distortion(batch.image, up.mean, [chance])[0], expected)
    model, batch, generator = made(**SMALL, **STEPPED), digits(4), Generator().manual_seed(1)
    with torch.no_grad():
        q = model.encode(batch.image)
        up = q.ascend(hard(generator))
        drawn = torch.stack(
            [
                model.likelihood.distortion(batch.image, model.draw(up.mean, q.ascend(hard(generator)).weight))
                for _ in range(400)
            ]
        )
        exact = model.distortion(batch.image, up.mean, [up.log_q[0].exp()])
    # Four images, four and a half standard errors: once in 37,000.
    assert ((drawn.mean(0) - exact).abs() < 4.5 * drawn.std(0) / 20).all()


def test_the_exact_gradient_is_the_mean_of_score_function_gradients() -> None:
    """The code does not depend on positions here, so that the reward is the image's error alone (eq. 22)."""
    exact, score, batch = one_block(), one_block(estimator="score"), digits(1)
    weights = [*exact.encoder.positions.parameters(), *exact.decoder.parameters()]
    twins = [*score.encoder.positions.parameters(), *score.decoder.parameters()]
    wanted = torch.autograd.grad(exact.learn(batch, at()).minimise["model"], weights)
    assert score.baseline is not None
    score.baseline.standardise.begun.fill_(1)  # variances 0: costs are taken as they are
    mean = [torch.zeros_like(weight) for weight in twins]
    for position in range(4):
        score.config = replace(score.config, estimator=Forced(position=position))
        losses = score.learn(batch, at())
        assert losses.join is None
        chance = score.encode(batch.image).bottom.log_q[0, position, 0].exp().detach()
        for total, gradient in zip(mean, torch.autograd.grad(losses.minimise["model"], twins), strict=True):
            total += chance * gradient
    for found, expected in zip(mean, wanted, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
        assert expected.any()


@pytest.mark.parametrize("further", [False, True])
def test_the_gradient_of_drawn_positions_is_unbiased(further: bool) -> None:
    """One image with one block of 2 x 2, so that all its draws can be enumerated: the estimator's mean is the
    gradient of the expected bound (and of a further loss of the code, as a label head's). The code depends on the draw,
    and so does its divergence: a reward that leaves either out is found out."""
    model, batch = one_block(**DRAWN), digits(1)
    assert model.baseline is not None
    model.baseline.standardise.begun.fill_(1)  # variances 0: costs are taken as they are,
    model.baseline.standardise.mean.fill_(17.0)  # less this
    weights = [*model.encoder.positions.parameters(), *model.encoder.filters.parameters()]
    expected, mean = torch.zeros(()), [torch.zeros_like(weight) for weight in weights]
    for position in range(4):
        model.config = replace(model.config, estimator=Forced(position=position))
        losses = model.learn(batch, at())
        assert losses.join is not None
        assert losses.code is not None
        minimise, cost = losses.minimise["model"], -losses.report["elbo"]
        if further:
            minimise, cost = losses.join(cost_of(losses.code["s"]))["model"], cost + cost_of(losses.code["s"])
        chance = model.encode(batch.image).bottom.log_q[0, position, 0].exp()
        expected = expected + chance * cost.sum()
        for total, gradient in zip(mean, torch.autograd.grad(minimise, weights, retain_graph=True), strict=True):
            total += chance.detach() * gradient
    for found, exact in zip(mean, torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4 * float(exact.abs().max()))


def test_a_run_of_an_earlier_version_keeps_its_way_of_pooling_and_its_sigma() -> None:
    model = made(**SMALL, **DRAWN, **STEPPED)
    config = {name: value for name, value in to_json(model.config).items() if name not in LATER}
    del config["likelihood"]["kind"]
    again = build("dgdn", IMAGE, **settings_of({"model": "dgdn", "config": config}))
    assert isinstance(again, Model)
    assert again.config == model.config
    assert again.state_dict().keys() == model.state_dict().keys()
    told, held = ({"model": "dgdn", "image": [1, 8, 8], "config": each} for each in (config, to_json(again.config)))
    check_card(told, held, Path("config.json"))
    check_card(held, told, Path("config.json"))
    other = {**config, "likelihood": {**config["likelihood"], "sigma": 0.4}}
    with pytest.raises(Refusal, match=r"likelihood\.sigma is 0\.4 in it and 0\.3 in the weights"):
        check_card({**told, "config": other}, held, Path("config.json"))


def test_the_mean_image_is_followed_in_training_alone() -> None:
    model, batch = made(**SMALL), digits()
    model.eval().learn(batch, at())
    assert (model.centre.mean == 0.5).all()
    model.train().learn(batch, at())
    torch.testing.assert_close(model.centre.mean, batch.image.mean(0))


def test_one_layer_has_no_positions() -> None:
    model, batch = made(maps=(5,), kernels=(8,)), digits(3)
    assert not model.drawn
    assert model.decode(model.encode(batch.image).mode()).shape == batch.image.shape
    assert "elbo" in model.train().learn(batch, at()).report
    assert model.unpooled(batch.image).shape == (3, 5, 1, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "hidden is the number of units"),
        ({"estimator": "score", "estimator.decay": 1.0}, "from 0 to below 1"),
        ({"pooling": "drawn"}, "take estimator=score or relaxed, or pooling=largest"),
        ({"maps": (4,)}, "do not fit: each layer has maps and a kernel"),
        ({**SMALL, "kernels": (3, 4)}, "too small for layer 2"),
        ({"likelihood.floor": 1.0}, "0 < floor < sigma"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        made(**settings)


def test_an_image_that_is_too_small_is_refused() -> None:
    with pytest.raises(Refusal, match="at least 6x6 pixels, not 4x9"):
        made((1, 4, 9))
