"""PatchVAE: weights counted, parts pooled and placed, as the source (Gupta et al. 2020, and its code) has them."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from latelier.core import Batch, Progress
from latelier.data.drawn.scenes import draw_scenes
from latelier.errors import Refusal
from latelier.models.patchvae import Config, Model
from latelier.objectives.relaxed import Temperature
from latelier.runs.building import build

COLOUR, LARGE = (3, 32, 32), (3, 64, 64)
TRUNK = 683_072


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def made(image: tuple[int, int, int] = COLOUR, **settings: Any) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("patchvae", image, **settings)
    assert isinstance(model, Model)
    return model


def batch_of(n: int = 4, size: int = 32) -> Batch:
    image = draw_scenes(n, size=size).floats(slice(None))
    none = torch.zeros(n, 0, dtype=torch.int64)
    return Batch(image, torch.arange(n), torch.full((n,), -1), none, none)


def test_the_large_beta_vae_has_resnet18_and_the_same_pyramid() -> None:
    from torchvision.models import resnet18

    model: Any = build("vae", (3, 64, 96), net="resnet18", latent=1024)
    stages = {name: stage for name, stage in model.stages().items() if name != "reduce"}
    whole = resnet18(weights=None)
    whole.fc = nn.Identity()
    assert sum(map(count, stages.values())) == count(whole)
    assert model.decode(model.encode(torch.rand(2, 3, 64, 96)).mode()).shape == (2, 3, 64, 96)
    parts = made((3, 64, 96), trunk="resnet18", parts=64, appearance=16)
    assert count(model.decoder[-1][3:]) == count(parts.decoder[3:])  # type: ignore[index]
    with pytest.raises(Refusal, match="multiples of 32, not 40x64"):
        build("vae", (3, 40, 64), net="resnet18")


def at(seen: int, seed: int = 0) -> Progress:
    return Progress(seen, 10**9, Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("method", "image", "settings", "encoder", "decoder"),
    [
        ("patchvae", COLOUR, {}, 922_896, 683_904),
        ("patchvae", LARGE, {}, 922_896, 683_904),
        ("vae", COLOUR, {"net": "resnet9", "latent": 96}, 888_192, 774_144),
        ("vae", LARGE, {"net": "resnet9", "latent": 96}, 1_478_016, 1_069_056),
    ],
)
def test_as_many_weights_as_the_source_prints(
    method: str, image: tuple[int, int, int], settings: dict[str, Any], encoder: int, decoder: int
) -> None:
    model = build(method, image, critic="image", **settings)
    assert count(model.encoder) == encoder  # type: ignore[arg-type]
    assert count(model.decoder) == decoder  # type: ignore[arg-type]
    assert count(model.critic) == 659_456  # type: ignore[arg-type]


def test_the_game_that_it_is_compared_with_has_the_sources_weights() -> None:
    model = build("bigan", COLOUR, net="resnet9", latent=96)
    assert count(model.encoder) == 789_792  # type: ignore[arg-type]
    assert count(model.decoder) == 774_144  # type: ignore[arg-type]
    drawn = model.decode(model.sample_prior(4, Generator().manual_seed(0)))
    assert 0 <= drawn.min() < 0.5 < drawn.max() <= 1


def test_the_trunk_has_the_sources_weights_by_stage() -> None:
    stages = made().stages()
    assert {name: count(stage) for name, stage in stages.items()} == {
        "conv1": 9_408 + 128,
        "conv2-3": 147_968,
        "conv4-5": 525_568,
    }
    assert sum(map(count, stages.values())) == TRUNK


def test_a_large_trunk_draws_from_cells_of_32_pixels() -> None:
    model = made((3, 64, 96), trunk="resnet18", parts=64, appearance=16)
    assert model.latents["occurrence"].shape == (64, 2, 3)
    assert count(model.decoder) == 12_196_736
    assert model.decode(model.sample_prior(2, Generator().manual_seed(0))).shape == (2, 3, 64, 96)


def pooled(model: Model, logits: Tensor, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """The posterior's appearance [b, N, d] for maps that the heads are made to give."""
    model.encoder.forward = lambda image: (logits, mean, log_variance)  # type: ignore[method-assign]
    q = model.posterior(torch.zeros(1, *model.image), None)
    return q.mean, q.log_variance.exp()


@pytest.fixture
def maps() -> tuple[Model, Tensor, Tensor]:
    """A model of 3 parts of 2 numbers on 4 x 4 cells, and maps of means and log-variances."""
    generator = Generator().manual_seed(1)
    shape = (2, 6, 4, 4)
    return made(parts=3, appearance=2), torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def test_a_part_at_one_cell_has_that_cells_appearance(maps: tuple[Model, Tensor, Tensor]) -> None:
    model, mean, log_variance = maps
    logits = torch.full((2, 3, 4, 4), -60.0)
    logits[:, :, 2, 1] = 20.0
    found, variance = pooled(model, logits, mean, log_variance)
    torch.testing.assert_close(found, mean[:, :, 2, 1].unflatten(1, (3, 2)))
    torch.testing.assert_close(variance, log_variance.exp()[:, :, 2, 1].unflatten(1, (3, 2)))


def test_a_part_everywhere_has_the_mean_appearance(maps: tuple[Model, Tensor, Tensor]) -> None:
    model, mean, log_variance = maps
    for level in (3.0, -3.0):  # whatever the probability, if it is the same at every cell
        found, variance = pooled(model, torch.full((2, 3, 4, 4), level), mean, log_variance)
        torch.testing.assert_close(found, mean.mean((2, 3)).unflatten(1, (3, 2)), rtol=1e-4, atol=1e-6)
        expected = log_variance.exp().mean((2, 3)).unflatten(1, (3, 2))
        torch.testing.assert_close(variance, expected, rtol=1e-4, atol=1e-6)


def test_where_cells_lie_does_not_matter_to_appearance(maps: tuple[Model, Tensor, Tensor]) -> None:
    model, mean, log_variance = maps
    logits = torch.randn(2, 3, 4, 4, generator=Generator().manual_seed(2))
    order = torch.randperm(16, generator=Generator().manual_seed(3))
    mixed = [part.flatten(2)[:, :, order].unflatten(2, (4, 4)) for part in (logits, mean, log_variance)]
    one, other = pooled(model, logits, mean, log_variance), pooled(model, mixed[0], mixed[1], mixed[2])
    torch.testing.assert_close(one, other)


def test_appearance_teaches_occurrence_nothing(maps: tuple[Model, Tensor, Tensor]) -> None:
    model, mean, log_variance = maps
    logits, mean = torch.randn(2, 3, 4, 4).requires_grad_(), mean.requires_grad_()
    found, _ = pooled(model, logits, mean, log_variance)
    of_mean, of_logits = torch.autograd.grad(found.sum(), [mean, logits], allow_unused=True)
    assert of_logits is None
    assert of_mean.abs().sum() > 0


def test_without_parts_the_image_is_the_same_whatever_the_image() -> None:
    model = made().eval()
    looks = torch.randn(2, 16, 6, generator=Generator().manual_seed(0))
    drawn = model.decode({"occurrence": torch.zeros(2, 16, 4, 4), "appearance": looks})
    assert torch.equal(drawn[0], drawn[1])


def test_a_part_fills_its_own_channels_at_its_own_cells() -> None:
    model = made(parts=3, appearance=2)
    seen: list[Tensor] = []
    model.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    occurrence = torch.zeros(1, 3, 4, 4)
    occurrence[0, 1, 2, 3] = 1
    model.decode({"occurrence": occurrence, "appearance": torch.ones(1, 3, 2)})
    filled = seen[0].nonzero().tolist()
    assert filled == [[0, 2, 2, 3], [0, 3, 2, 3]]


def test_without_betas_the_loss_is_the_reconstruction() -> None:
    batch, model = batch_of(), made(beta_occurrence=0.0, beta_appearance=0.0)
    losses = model.learn(batch, at(0))
    torch.testing.assert_close(losses.minimise["model"], losses.report["distortion"].mean())


def test_the_loss_weighs_each_divergence_by_its_own_beta() -> None:
    batch, model = batch_of(), made(beta_occurrence=7.0, beta_appearance=3.0)
    losses = model.learn(batch, at(0))
    r = losses.report
    expected = (r["distortion"] + 7 * r["KL occurrence"] + 3 * r["KL appearance"]).mean()
    torch.testing.assert_close(losses.minimise["model"], expected)
    error = (2 * model.eval().decode(losses.code or {}) - 2 * batch.image).square().sum((1, 2, 3))
    assert error.shape == r["distortion"].shape


def test_the_weight_of_occurrence_warms_up_over_images() -> None:
    batch, model = batch_of(), made(beta_occurrence=10.0, beta_appearance=0.0, warmup=1000)
    for seen, beta in ((0, 0.0), (250, 2.5), (1000, 10.0), (5000, 10.0)):
        losses = model.learn(batch, at(seen))
        expected = (losses.report["distortion"] + beta * losses.report["KL occurrence"]).mean()
        torch.testing.assert_close(losses.minimise["model"], expected)


def test_one_part_that_is_everywhere_is_a_vae_with_a_tiled_code(maps: tuple[Model, Tensor, Tensor]) -> None:
    model = made(parts=1, appearance=5).eval()
    z = torch.randn(2, 1, 5, generator=Generator().manual_seed(0))
    drawn = model.decode({"occurrence": torch.ones(2, 1, 4, 4), "appearance": z})
    tiled = model.decoder(z[:, 0, :, None, None].expand(2, 5, 4, 4))
    torch.testing.assert_close(drawn, (tiled + 0.5).clamp(0, 1))


def test_a_relaxed_code_in_training_and_a_binary_one_afterwards() -> None:
    batch, model = batch_of(), made()
    soft = model.learn(batch, at(0)).code
    hard = model.encode(batch.image).sample(Generator().manual_seed(0))
    assert soft is not None
    assert ((soft["occurrence"] > 0) & (soft["occurrence"] < 1)).all()
    assert set(hard["occurrence"].unique().tolist()) <= {0.0, 1.0}


def test_prior_draws_hold_as_many_parts_as_the_prior_says() -> None:
    code = made(parts=8).sample_prior(500, Generator().manual_seed(0))
    # 64,000 coins of 1/8: a standard error of .0013; 5 of them are exceeded once in 1.7 million
    assert abs(float(code["occurrence"].mean()) - 1 / 8) < 0.0066
    assert set(code["occurrence"].unique().tolist()) == {0.0, 1.0}


def test_temperature_falls_as_the_paper_says() -> None:
    t = Temperature()
    assert t.at(at(0)) == 1.0
    assert t.at(at(128 * 35_100)) == pytest.approx(0.349, abs=5e-4)
    assert t.at(at(128 * 76_752)) > 0.1
    assert t.at(at(128 * 76_753)) == 0.1


def test_critic_and_model_want_opposite_things_of_the_drawn_side() -> None:
    batch, model = batch_of(), made(critic="image")
    (move,) = model.moves()
    losses = move(batch, at(0))
    r = losses.report
    expected = (r["distortion"] + 2 * r["KL occurrence"] + r["KL appearance"] + r["fooling"]).mean()
    torch.testing.assert_close(losses.minimise["model"], expected)
    torch.testing.assert_close(losses.minimise["critic"], r["critic"].mean())
    # -log D(drawn) >= -log(1 - D) exactly where the logit is negative, so the two cannot both be small.
    assert ((r["critic"] > 0.5) | (r["fooling"] > 0.5)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": 0}, "parts 0 and appearance 6 must be 1 or more"),
        ({"prior": 1.5}, "prior is a probability"),
        ({"temperature.floor": 2.0}, "0 < floor <= start"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        build("patchvae", COLOUR, **settings)


def test_an_image_that_cells_do_not_cover_is_refused() -> None:
    with pytest.raises(Refusal, match="multiples of 8, not 28x28"):
        Model(Config(), image=(1, 28, 28))
